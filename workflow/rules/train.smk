def learned(name):
    """Weights and card of a run: those that were released, or those that are trained here."""
    folder = MODELS.released.get(name, f"{RESULTS}/train/{name}")
    return [f"{folder}/{file}" for file in ("weights.safetensors", "card.json")]


def plain(names):
    """The settings of runs by name, as jobs receive them."""
    return {name: RUNS[name].to_json() for name in names}


def training_log(name):
    """The record of a run's losses."""
    return f"{RESULTS}/train/{name}/log.csv"


rule train:
    output:
        weights=f"{RESULTS}/train/{{condition}}/{{run}}/weights.safetensors",
        card=f"{RESULTS}/train/{{condition}}/{{run}}/card.json",
        log=f"{RESULTS}/train/{{condition}}/{{run}}/log.csv",
        record=f"{RESULTS}/records/train/{{condition}}/{{run}}.json",  # travels through a cache with the rest
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
        code=stage("train.py"),
    message:
        "training {wildcards.run} on {wildcards.condition}"
    script:
        "../scripts/train.py"
