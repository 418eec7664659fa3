rule train:
    output:
        weights=f"{RESULTS}/train/{{condition}}/{{run}}/weights.safetensors",
        card=f"{RESULTS}/train/{{condition}}/{{run}}/card.json",
        log=f"{RESULTS}/train/{{condition}}/{{run}}/log.csv",
        # an output, so that it travels through a cache with the rest
        record=f"{RESULTS}/records/train/{{condition}}/{{run}}.json",
    log:
        f"{RESULTS}/logs/train/{{condition}}/{{run}}.log",
    threads: 1
    resources:
        gpu=1 if config["device"] == "cuda" else 0,
        mem_mb=4000,
        runtime=720,
    params:
        run=lambda w: RUNS[f"{w.condition}/{w.run}"].to_json(),
        device=config["device"],
        code=lambda w: stage(
            "train.py", *entries.of_run(RUNS[f"{w.condition}/{w.run}"])
        ),
    message:
        "training {wildcards.run} on {wildcards.condition}"
    script:
        "../scripts/train.py"


TRAINED = [
    path
    for name in MODELS.trained
    for path in [*learned(name), f"{RESULTS}/train/{name}/log.csv"]
]
