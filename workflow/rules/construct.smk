def built_folders(condition, name):
    """The folder of each number of steps of a construction's models on a condition."""
    entry = config["constructions"][name]
    one_for_all = entries.has_one_model(entry["family"])
    folder = f"{RESULTS}/construct/{condition}/{name}"
    return {
        step: folder if one_for_all else f"{folder}_steps{step}"
        for step in entry["steps"]
    }


def built_models(condition, names=None):
    """The folders of built models of a condition, by construction and steps: of those that are
    named, else of all.
    """
    chosen = experiment.built(condition) if names is None else names
    return {name: built_folders(condition, name) for name in chosen}


def built_files(condition, names=None):
    """Weights and cards of the same models."""
    found = [
        folder
        for by_step in built_models(condition, names).values()
        for folder in by_step.values()
    ]
    return [
        f"{folder}/{file}"
        for folder in dict.fromkeys(found)
        for file in ("weights.safetensors", "card.json")
    ]


BUILT = [condition for condition in CONDITIONS if experiment.built(condition)]
CONSTRUCTED = [path for condition in BUILT for path in built_files(condition)]


for name, entry in config.get("constructions", {}).items():

    rule:
        name:
            f"construct_{name}"
        output:
            [
                f"{folder}/{file}"
                for folder in dict.fromkeys(
                    built_folders("{condition}", name).values()
                )
                for file in ("weights.safetensors", "card.json")
            ],
        log:
            f"{RESULTS}/logs/construct/{{condition}}_{name}.log",
        group:
            "condition"
        resources:
            mem_mb=4000,
            runtime=20,
        params:
            condition=lambda w: CONDITIONS[w.condition].to_json(),
            family=entry["family"],
            settings=entry.get("set", {}),
            folders=lambda w, name=name: built_folders(w.condition, name),
            code=lambda w, family=entry["family"]: stage(
                "construct.py",
                *entries.of_construction(family),
                *entries.of_condition(CONDITIONS[w.condition]),
            ),
        message:
            f"building {name} transformers for {{wildcards.condition}}"
        script:
            "../scripts/construct.py"


MEASURED = [
    f"{RESULTS}/measurements/{name}.parquet" for name in config.get("measurements", {})
]


def trained_for(measurement):
    """Weights and cards of the released models that a measurement names, if there are any."""
    names = config["measurements"][measurement].get("trained", [])
    files = [
        HERE / RELEASED / name / file
        for name in names
        for file in ("weights.safetensors", "card.json")
    ]
    return [str(path) for path in files if path.exists()]


rule measure:
    input:
        lambda w: trained_for(w.measurement),
    output:
        f"{RESULTS}/measurements/{{measurement}}.parquet",
    log:
        f"{RESULTS}/logs/measurements/{{measurement}}.log",
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        name=lambda w: w.measurement,
        settings=lambda w: config["measurements"][w.measurement],
        code=lambda w: stage("measure.py", *entries.of_measurement(w.measurement)),
    message:
        "measuring {wildcards.measurement}"
    script:
        "../scripts/measure.py"
