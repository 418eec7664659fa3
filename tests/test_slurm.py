"""The profile for clusters on a one-node Slurm with fake GPUs: a cancelled training resumes, all
ends as it does locally.
"""

import importlib.util
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest
import yaml
from conftest import RESULTS, ROOT, clone, environment_of, snakemake
from safetensors import safe_open
from slurm_cluster import ask, slurm_cluster, wait_until

CONDITION = "unnormalised_kappa5_noise0.1"
TABLE = f"{RESULTS}/tables/{CONDITION}.csv"
RUNS = [f"lsa_ln_layers1_seed{seed}" for seed in (0, 1)]
# this cluster keeps no accounts that sacct could read, its disk is not shared, and its jobs last
# seconds
HASTE = [
    "--slurm-status-command",
    "squeue",
    "--slurm-init-seconds-before-status-checks",
    "1",
    "--latency-wait",
    "5",
]


@pytest.fixture
def executor(tmp_path):
    """A folder for PYTHONPATH with Snakemake's executor for Slurm, installed for this test alone
    where it is missing.
    """
    folder = tmp_path / "site"
    if not importlib.util.find_spec("snakemake_executor_plugin_slurm"):
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder]
        if subprocess.run([*pip, "-r", ROOT / "requirements-slurm.lock"]).returncode:
            pytest.skip(
                "needs Snakemake's executor for Slurm, which pip could not install: "
                "see requirements-slurm.lock"
            )
    return folder


def prepare(folder):
    """A clone with two trainings for one condition, long enough to be cancelled on the way, that
    write every checkpoint due.
    """
    clone(folder)
    path = folder / "workflow/scales/smoke.yaml"
    scale = yaml.safe_load(path.read_text(encoding="utf-8"))
    group = next(group for group in scale["runs"] if group["family"] == "lsa_ln")
    group["seeds"], group["set"]["steps"] = [0, 1], 3000
    path.write_text(yaml.safe_dump({**scale, "checkpoint_seconds": 0}), encoding="utf-8")
    return folder


@contextmanager
def submitted(folder, environment):
    """Snakemake on its way to the table through the cluster, its words in snakemake.log; it ends
    with the block.
    """
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--config",
        "scale=smoke",
        "--workflow-profile",
        "slurm",
        *HASTE,
        "--",
        TABLE,
    ]
    with (folder / "snakemake.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def running(environment):
    """Number and GPUs of each running Slurm job, by its comment, which names rule and wildcards."""
    text = ask(environment, "scontrol", "show", "job", "--details")
    jobs = [
        dict(re.findall(r"\b(JobId|JobState|Comment|GRES)=(\S+)", job))
        for job in text.split("\n\n")
    ]
    return {
        job["Comment"]: (job["JobId"], job.get("GRES"))
        for job in jobs
        if job.get("JobState") == "RUNNING"
    }


def step(checkpoint):
    """The step at which a checkpoint stands, 0 if there is none yet."""
    if not checkpoint.exists():
        return 0
    with safe_open(checkpoint, "pt") as file:
        return int(file.metadata()["step"])


@pytest.mark.slurm
def test_a_cancelled_training_resumes_and_all_ends_as_it_does_locally(tmp_path, executor):
    cluster, local = prepare(tmp_path / "cluster"), prepare(tmp_path / "local")
    checkpoint = cluster / RESULTS / f"checkpoints/{CONDITION}/{RUNS[0]}.safetensors"
    trainings = [f"rule_train_wildcards_{CONDITION}_{run}" for run in RUNS]
    variables = environment_of(cluster)
    variables["PYTHONPATH"] += f":{executor}"
    with (
        slurm_cluster(variables, gpus=2) as environment,
        submitted(cluster, environment) as workflow,
    ):
        jobs = {}
        wait_until(
            lambda: (
                workflow.poll() is not None
                or jobs.update(running(environment))
                or {*trainings} <= {*jobs}
            ),
            120,
        )
        wait_until(lambda: workflow.poll() is not None or step(checkpoint), 120)
        assert workflow.poll() is None, (cluster / "snakemake.log").read_text(encoding="utf-8")
        assert {jobs[training][1] for training in trainings} == {"gpu:1(IDX:0)", "gpu:1(IDX:1)"}
        ask(environment, "scancel", jobs[trainings[0]][0])
        workflow.wait(300)
    said = (cluster / "snakemake.log").read_text(encoding="utf-8")
    assert workflow.returncode == 0, said
    assert "Trying to restart job" in said
    log = (cluster / RESULTS / f"logs/train/{CONDITION}/{RUNS[0]}.log").read_text(encoding="utf-8")
    assert int(re.match(r"resuming from step (\d+)", log)[1]) > 0
    result = snakemake(local, "--", TABLE)
    assert result.returncode == 0, result.stderr
    for name in [
        TABLE,
        *(f"{RESULTS}/train/{CONDITION}/{run}/weights.safetensors" for run in RUNS),
    ]:
        assert (cluster / name).read_bytes() == (local / name).read_bytes(), name
