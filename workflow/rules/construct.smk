VARIANTS = ["newton2", "chebyshev"]
BUILT_CONDITIONS = [
    condition_name(experiment.condition(**c))
    for c in config["constructions"]["conditions"]
]


rule construct:
    output:
        expand(
            f"{RESULTS}/construct/{{{{condition}}}}/{{{{variant}}}}_steps{{steps}}/{{file}}",
            steps=config["constructions"]["steps"],
            file=["weights.safetensors", "card.json"],
        ),
    log:
        f"{RESULTS}/logs/construct/{{condition}}_{{variant}}.log",
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        condition=lambda w: asdict(LINEAR[w.condition]),
        variant=lambda w: w.variant,
        steps=config["constructions"]["steps"],
        folder=f"{RESULTS}/construct/{{condition}}/{{variant}}_steps",
        code=stage("construct.py"),
    message:
        "building {wildcards.variant} transformers for {wildcards.condition}"
    script:
        "../scripts/construct.py"


rule check_constructions:
    output:
        f"{RESULTS}/construct/checks.csv",
    log:
        f"{RESULTS}/logs/construct/checks.log",
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        checks=config["constructions"]["checks"],
        code=stage("check_constructions.py"),
    message:
        "comparing constructions with their algorithms"
    script:
        "../scripts/check_constructions.py"
