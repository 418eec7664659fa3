ATTENDING = {
    name.split("/")[0] for name, run in RUNS.items() if run.recipe.query_as_key
}
LINEAR_NAME = "[a-z]+_kappa[^/_]+_noise[^/_]+"


def models_of(condition):
    """The evaluation tables of learned models: one for each trained here, one for all that were released."""
    trained = [name.split("/")[1] for name in MODELS.trained_at.get(condition, [])]
    return [*trained, *["released"] * (condition in MODELS.released_at)]


def evaluated(condition, suffix):
    """The evaluation tables of a condition."""
    names = ["references", *models_of(condition)]
    if condition in BUILT_CONDITIONS and suffix == "parquet":
        names += ["built", "theory"]
    return [f"{RESULTS}/evaluate/{condition}/{name}.{suffix}" for name in names]


rule evaluate_model:
    input:
        prompts=rules.data.output[0],
        models=lambda w: learned(f"{w.condition}/{w.run}"),
    output:
        errors=f"{RESULTS}/evaluate/{{condition}}/{{run}}.parquet",
        probe=f"{RESULTS}/evaluate/{{condition}}/{{run}}.probe.parquet",
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/{{run}}.log",
    wildcard_constraints:
        condition=LINEAR_NAME,
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        runs=lambda w: plain([f"{w.condition}/{w.run}"]),
        probes=config["evaluation"]["probes"],
        code=stage("evaluate_model.py"),
    message:
        "evaluating {wildcards.run} on {wildcards.condition}"
    script:
        "../scripts/evaluate_model.py"


use rule evaluate_model as evaluate_released with:
    input:
        prompts=rules.data.output[0],
        models=lambda w: [
            path
            for name in MODELS.released_at.get(w.condition, [])
            for path in learned(name)
        ],
    output:
        errors=f"{RESULTS}/evaluate/{{condition}}/released.parquet",
        probe=f"{RESULTS}/evaluate/{{condition}}/released.probe.parquet",
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/released.log",
    params:
        runs=lambda w: plain(MODELS.released_at.get(w.condition, [])),
        probes=config["evaluation"]["probes"],
        code=stage("evaluate_model.py"),
    message:
        "evaluating the released models on {wildcards.condition}"


rule evaluate_references:
    input:
        prompts=rules.data.output[0],
    output:
        errors=f"{RESULTS}/evaluate/{{condition}}/references.parquet",
        probe=f"{RESULTS}/evaluate/{{condition}}/references.probe.parquet",
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/references.log",
    wildcard_constraints:
        condition=LINEAR_NAME,
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        algorithms=config["algorithms"],
        probes=config["evaluation"]["probes"],
        code=stage("evaluate_references.py"),
    message:
        "running the reference algorithms on {wildcards.condition}"
    script:
        "../scripts/evaluate_references.py"


rule evaluate_built:
    input:
        prompts=rules.data.output[0],
        models=expand(rules.construct.output, variant=VARIANTS, allow_missing=True),
    output:
        errors=f"{RESULTS}/evaluate/{{condition}}/built.parquet",
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/built.log",
    wildcard_constraints:
        condition=LINEAR_NAME,
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        code=stage("evaluate_built.py"),
    message:
        "evaluating the built transformers on {wildcards.condition}"
    script:
        "../scripts/evaluate_built.py"


rule evaluate_theory:
    input:
        prompts=rules.data.output[0],
    output:
        errors=f"{RESULTS}/evaluate/{{condition}}/theory.parquet",
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/theory.log",
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        condition=lambda w: asdict(LINEAR[w.condition]),
        polynomial=config["polynomial"],
        query_as_key=lambda w: w.condition in ATTENDING,
        code=stage("evaluate_theory.py"),
    message:
        "what theory says can be reached on {wildcards.condition}"
    script:
        "../scripts/evaluate_theory.py"


rule evaluate_diabetes:
    input:
        cards=[
            path
            for condition in BUILT_CONDITIONS[:1]
            for name in [
                *MODELS.released_at.get(condition, []),
                *MODELS.trained_at.get(condition, []),
            ]
            if RUNS[name].condition.d == 10
            for path in learned(name)
        ],
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
        code=stage("evaluate_diabetes.py"),
    message:
        "built and trained transformers on the diabetes data"
    script:
        "../scripts/evaluate_diabetes.py"
