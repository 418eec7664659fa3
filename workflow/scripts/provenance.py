"""Commit, versions, seeds, device and configuration as one page.

A sentence for the report says where the models come from.
"""

import platform
from pathlib import Path

import torch
import yaml

from icnewton.files import write_json, write_text
from icnewton.pages.plain import page
from job import commit, job, versions

with job(snakemake) as say:
    config = dict(snakemake.params.config)
    facts = {
        "commit": commit(),
        "Python": platform.python_version(),
        **versions(),
        "models": snakemake.params.models,
        "missing models": ", ".join(snakemake.params.missing) or "none",
        "training device": config["device"],
        "GPU": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "evaluation seed": config["evaluation"]["seed"],
        "training seeds": ", ".join(map(str, snakemake.params.seeds)),
    }
    body = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in facts.items())
    settings = yaml.safe_dump(config, sort_keys=False, default_flow_style=None, width=110)
    content = f"<table>{body}</table><h2>Configuration</h2><pre>{settings}</pre>"
    write_text(Path(snakemake.output.page), page("Provenance", content))
    write_json(Path(snakemake.output.facts), facts)
    named = ""
    if snakemake.params.missing:
        named = " Those that are missing are named below figures and under Provenance."
    write_text(Path(snakemake.output.models), f"\nModels: {snakemake.params.models}.{named}\n")
    say("done")
