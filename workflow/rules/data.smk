rule data:
    output:
        f"{RESULTS}/data/{{condition}}.safetensors",
    log:
        f"{RESULTS}/logs/data/{{condition}}.log",
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        condition=lambda w: asdict({**LINEAR, **LOGISTIC}[w.condition]),
        evaluation=config["evaluation"],
        code=stage("data.py"),
    message:
        "drawing evaluation prompts of {wildcards.condition}"
    script:
        "../scripts/data.py"
