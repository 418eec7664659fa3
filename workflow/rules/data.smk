rule data:
    message:
        "drawing evaluation prompts of {wildcards.condition}"
    output:
        f"{RESULTS}/data/{{condition}}.safetensors",
    log:
        f"{RESULTS}/logs/data/{{condition}}.log",
    params:
        condition=lambda w: asdict(CONDITIONS[w.condition]),
        evaluation=config["evaluation"],
        code=digest("icnewton.prompts", "icnewton.files"),
    resources:
        mem_mb=2000,
        runtime=10,
    script:
        "../scripts/data.py"
