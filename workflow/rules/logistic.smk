LOGISTIC_NAME = "[a-z]+_kappa[^/_]+_mu[^/_]+"
# the theorems' prompts have rows of norm at most 1
BOUNDED = [name for name, c in LOGISTIC.items() if c.protocol == "bounded"]


def logistic_answers(condition):
    """The evaluation tables of a logistic condition."""
    names = ["references", *models_of(condition)]
    if condition in BOUNDED:
        names.append("built")
    return [f"{RESULTS}/evaluate/{condition}/{name}.parquet" for name in names]


rule evaluate_logistic_model:
    input:
        prompts=rules.data.output[0],
        models=lambda w: learned(f"{w.condition}/{w.run}"),
    output:
        f"{RESULTS}/evaluate/{{condition}}/{{run}}.parquet",
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/{{run}}.log",
    wildcard_constraints:
        condition=LOGISTIC_NAME,
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        runs=lambda w: plain([f"{w.condition}/{w.run}"]),
        code=stage("evaluate_logistic_model.py"),
    message:
        "evaluating {wildcards.run} on {wildcards.condition}"
    script:
        "../scripts/evaluate_logistic_model.py"


use rule evaluate_logistic_model as evaluate_logistic_released with:
    input:
        prompts=rules.data.output[0],
        models=lambda w: [
            path
            for name in MODELS.released_at.get(w.condition, [])
            for path in learned(name)
        ],
    output:
        f"{RESULTS}/evaluate/{{condition}}/released.parquet",
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/released.log",
    params:
        runs=lambda w: plain(MODELS.released_at.get(w.condition, [])),
        code=stage("evaluate_logistic_model.py"),
    message:
        "evaluating the released models on {wildcards.condition}"


rule evaluate_logistic_references:
    input:
        prompts=rules.data.output[0],
    output:
        f"{RESULTS}/evaluate/{{condition}}/references.parquet",
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/references.log",
    wildcard_constraints:
        condition=LOGISTIC_NAME,
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        condition=lambda w: asdict(LOGISTIC[w.condition]),
        algorithms=config["logistic"]["algorithms"],
        code=stage("evaluate_logistic_references.py"),
    message:
        "running Newton and gradient descent on {wildcards.condition}"
    script:
        "../scripts/evaluate_logistic_references.py"


rule evaluate_logistic_built:
    input:
        prompts=rules.data.output[0],
    output:
        errors=f"{RESULTS}/evaluate/{{condition}}/built.parquet",
        models=expand(
            f"{RESULTS}/construct/{{{{condition}}}}/{{family}}/{{file}}",
            family=config["logistic"]["built"],
            file=["weights.safetensors", "card.json"],
        ),
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/built.log",
    wildcard_constraints:
        condition=LOGISTIC_NAME,
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        condition=lambda w: asdict(LOGISTIC[w.condition]),
        built=config["logistic"]["built"],
        folder=f"{RESULTS}/construct/{{condition}}",
        code=stage("evaluate_logistic_built.py"),
    message:
        "building and evaluating logistic transformers for {wildcards.condition}"
    script:
        "../scripts/evaluate_logistic_built.py"


rule check_damped_newton:
    output:
        steps=f"{RESULTS}/construct/damped_newton_steps.parquet",
        widths=f"{RESULTS}/construct/damped_newton_widths.parquet",
        budget=f"{RESULTS}/construct/damped_newton_budget.parquet",
    log:
        f"{RESULTS}/logs/construct/damped_newton.log",
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        logistic={
            key: config["logistic"][key]
            for key in ("problem", "checks", "widths", "budget")
        },
        code=stage("check_damped_newton.py"),
    message:
        "comparing damped-Newton transformers with damped Newton, step by step"
    script:
        "../scripts/check_damped_newton.py"


rule decrease:
    output:
        f"{RESULTS}/theory/decrease.parquet",
    log:
        f"{RESULTS}/logs/theory/decrease.log",
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=stage("decrease.py"),
    message:
        "enclosing the functions of Appendix E.1"
    script:
        "../scripts/decrease.py"


rule cancer:
    output:
        csv=report(
            f"{RESULTS}/tables/breast_cancer.csv",
            category="7. Tables",
            caption="../report/cancer.rst",
            labels={"condition": "breast cancer"},
        ),
        md=f"{RESULTS}/tables/breast_cancer.md",
    log:
        f"{RESULTS}/logs/evaluate/cancer.log",
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        cancer=config["logistic"]["cancer"],
        code=stage("cancer.py"),
    message:
        "a damped-Newton transformer on the breast-cancer data"
    script:
        "../scripts/cancer.py"


rule logistic_table:
    input:
        lambda w: logistic_answers(w.condition),
    output:
        csv=report(
            f"{RESULTS}/tables/{{condition}}.csv",
            category="7. Tables",
            caption="../report/logistic_table.rst",
            labels={"condition": "{condition}"},
        ),
        md=f"{RESULTS}/tables/{{condition}}.md",
    log:
        f"{RESULTS}/logs/tables/{{condition}}.log",
    wildcard_constraints:
        condition=LOGISTIC_NAME,
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=stage("logistic_table.py"),
    message:
        "medians and intervals of {wildcards.condition}"
    script:
        "../scripts/logistic_table.py"
