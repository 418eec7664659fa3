rule data:
    output:
        f"{RESULTS}/data/{{condition}}.safetensors",
    log:
        f"{RESULTS}/logs/data/{{condition}}.log",
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        condition=lambda w: experiment.everywhere[w.condition].to_json(),
        evaluation={
            key: config["evaluation"][key]
            for key in ("covariances", "prompts", "seed")
        },
        code=lambda w: stage(
            "data.py", *entries.of_condition(experiment.everywhere[w.condition])
        ),
    message:
        "drawing evaluation prompts of {wildcards.condition}"
    script:
        "../scripts/data.py"
