# a job for all models of a condition, because each takes less time than its process to start
rule evaluate_learned:
    input:
        prompts=rules.data.output[0],
        models=lambda w: weights(names_at(w.condition)),
    output:
        f"{RESULTS}/evaluate/{{condition}}/learned.parquet",
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/learned.log",
    resources:
        mem_mb=3000,
        runtime=20,
    params:
        condition=lambda w: CONDITIONS[w.condition].to_json(),
        folders=lambda w: folders(names_at(w.condition)),
        seeds=lambda w: seeds(names_at(w.condition)),
        code=lambda w: stage(
            "evaluate_learned.py",
            *of_runs(CONDITIONS[w.condition], names_at(w.condition)),
        ),
    message:
        "evaluating the learned models on {wildcards.condition}"
    script:
        "../scripts/evaluate_learned.py"


rule transfer:
    input:
        prompts=rules.data.output[0],
        models=lambda w: weights(tested_at(w.condition)),
        built=lambda w: [
            file
            for home, names in experiment.built_transfers[w.condition].items()
            for file in built_files(home, names)
        ],
    output:
        f"{RESULTS}/evaluate/{{condition}}/transfer.parquet",
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/transfer.log",
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        condition=lambda w: experiment.tested[w.condition].to_json(),
        prompts=config["evaluation"].get("transfer_prompts"),
        folders=lambda w: folders(tested_at(w.condition)),
        seeds=lambda w: seeds(tested_at(w.condition)),
        families=lambda w: families_at(w.condition),
        built=lambda w: {
            home: built_models(home, names)
            for home, names in experiment.built_transfers[w.condition].items()
        },
        code=lambda w: stage(
            "transfer.py",
            *of_runs(experiment.tested[w.condition], tested_at(w.condition)),
            *[
                module
                for family in dict.fromkeys(families_at(w.condition).values())
                for module in entries.of_construction(family)
            ],
        ),
    message:
        "evaluating models of other conditions on {wildcards.condition}"
    script:
        "../scripts/transfer.py"


def tested_at(condition):
    """The runs that are evaluated on a condition, wherever they were trained."""
    return [
        name for name in experiment.transfers[condition] if name not in MODELS.missing
    ]


def families_at(condition):
    """The families of the built models that are evaluated on a condition, wherever they belong."""
    return {
        name: config["constructions"][name]["family"]
        for names in experiment.built_transfers[condition].values()
        for name in names
    }


rule evaluate_references:
    input:
        prompts=rules.data.output[0],
    output:
        f"{RESULTS}/evaluate/{{condition}}/references.parquet",
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/references.log",
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        condition=lambda w: CONDITIONS[w.condition].to_json(),
        algorithms=lambda w: experiment.algorithms(CONDITIONS[w.condition].problem),
        code=lambda w: stage(
            "evaluate_references.py",
            *entries.of_condition(CONDITIONS[w.condition]),
            *entries.of_algorithms(
                experiment.algorithms(CONDITIONS[w.condition].problem)
            ),
        ),
    message:
        "running the reference algorithms on {wildcards.condition}"
    script:
        "../scripts/evaluate_references.py"


rule evaluate_built:
    input:
        prompts=rules.data.output[0],
        models=lambda w: built_files(w.condition),
    output:
        f"{RESULTS}/evaluate/{{condition}}/built.parquet",
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/built.log",
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        condition=lambda w: CONDITIONS[w.condition].to_json(),
        families=lambda w: {
            n: entry["family"] for n, entry in experiment.built(w.condition).items()
        },
        folders=lambda w: built_models(w.condition),
        code=lambda w: stage(
            "evaluate_built.py",
            *entries.of_condition(CONDITIONS[w.condition]),
            *[
                module
                for entry in experiment.built(w.condition).values()
                for module in entries.of_construction(entry["family"])
            ],
        ),
    message:
        "evaluating the built transformers on {wildcards.condition}"
    script:
        "../scripts/evaluate_built.py"


rule evaluate_limits:
    input:
        prompts=rules.data.output[0],
    output:
        f"{RESULTS}/evaluate/{{condition}}/limits.parquet",
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/limits.log",
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        condition=lambda w: CONDITIONS[w.condition].to_json(),
        polynomial=lambda w: {
            key: config["polynomial"][key] for key in ("prompts", "layers")
        },
        attending=lambda w: any(
            run.recipe.query_as_key
            for name, run in RUNS.items()
            if name.startswith(f"{w.condition}/")
        ),
        code=lambda w: stage(
            "evaluate_limits.py", *entries.of_condition(CONDITIONS[w.condition])
        ),
    message:
        "what theory says can be reached on {wildcards.condition}"
    script:
        "../scripts/evaluate_limits.py"


rule probe:
    input:
        prompts=rules.data.output[0],
        models=lambda w: weights(names_at(w.condition)),
    output:
        f"{RESULTS}/evaluate/{{condition}}/probes.parquet",
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/probes.log",
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        condition=lambda w: CONDITIONS[w.condition].to_json(),
        folders=lambda w: folders(names_at(w.condition)),
        seeds=lambda w: seeds(names_at(w.condition)),
        algorithms=lambda w: experiment.algorithms(CONDITIONS[w.condition].problem),
        probes=config["evaluation"]["probes"],
        code=lambda w: stage(
            "probe.py",
            *of_runs(CONDITIONS[w.condition], names_at(w.condition)),
            *entries.of_algorithms(
                experiment.algorithms(CONDITIONS[w.condition].problem)
            ),
        ),
    message:
        "varying a coordinate of the query on {wildcards.condition}"
    script:
        "../scripts/probe.py"


rule respond:
    input:
        prompts=rules.data.output[0],
        models=lambda w: weights(names_at(w.condition)),
        built=lambda w: built_files(w.condition),
    output:
        f"{RESULTS}/evaluate/{{condition}}/responses.parquet",
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/responses.log",
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        condition=lambda w: CONDITIONS[w.condition].to_json(),
        folders=lambda w: folders(names_at(w.condition)),
        seeds=lambda w: seeds(names_at(w.condition)),
        built=lambda w: built_models(w.condition),
        code=lambda w: stage(
            "respond.py",
            *of_runs(CONDITIONS[w.condition], names_at(w.condition)),
        ),
    message:
        "residual polynomials of models on {wildcards.condition}"
    script:
        "../scripts/respond.py"


rule diabetes:
    input:
        cards=lambda w: weights(asked_of_patients()),
    output:
        predictions=f"{RESULTS}/evaluate/diabetes.csv",
        csv=report(
            f"{RESULTS}/tables/diabetes.csv",
            category="7. Tables",
            caption="../report/diabetes.rst",
            labels={"condition": "diabetes"},
        ),
        md=f"{RESULTS}/tables/diabetes.md",
    log:
        f"{RESULTS}/logs/evaluate/diabetes.log",
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        folders=lambda w: folders(asked_of_patients()),
        code=lambda w: stage(
            "diabetes.py",
            *entries.of_construction("least_squares"),
            *[
                module
                for name in asked_of_patients()
                for module in entries.of_family(RUNS[name].family)
            ],
        ),
    message:
        "built and trained transformers on the diabetes data"
    script:
        "../scripts/diabetes.py"


def asked_of_patients():
    """The models whose prompts have as many dimensions as the diabetes data."""
    name = experiment.named(config["diabetes"])
    released, trained = (
        at.get(name, []) for at in (MODELS.released_at, MODELS.trained_at)
    )
    return [run for run in (*released, *trained) if RUNS[run].condition.d == 10]
