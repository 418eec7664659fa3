TABLES = [path for condition in CONDITIONS for path in evaluated(condition)]
SHOWN = [name for name in config.get("measurements", {}) if MEASUREMENTS[name].caption]


def bearing(spec):
    """What of a figure decides which claims it bears on."""
    families = {f for panel in spec.get("panels", []) for f in panel["models"]}
    return {
        "kind": spec["kind"],
        "conditions": spec.get("conditions", []),
        "families": sorted(families),
    }


def facts(condition):
    """What of a condition decides which claims speak of it."""
    values = CONDITIONS[condition]
    attend = {}
    for name, run in RUNS.items():
        if name.startswith(f"{condition}/"):
            method = method_of(name)
            attend[method] = attend.get(method, True) and run.recipe.query_as_key
    return {
        "condition": values.to_json(),
        "usual_sizes": (values.d, values.n) == experiment.sizes(values.problem),
        "query_as_key": attend,
        "recipes": dict(experiment.recipe_names.get(condition, {})),
    }


rule table:
    input:
        lambda w: evaluated(w.condition),
    output:
        csv=report(
            f"{RESULTS}/tables/{{condition}}.csv",
            category="7. Tables",
            caption="../report/table.rst",
            labels={"condition": "{condition}"},
        ),
        md=f"{RESULTS}/tables/{{condition}}.md",
    log:
        f"{RESULTS}/logs/tables/{{condition}}.log",
    wildcard_constraints:
        condition="|".join(map(re.escape, CONDITIONS)) or "none",
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        problem=lambda w: CONDITIONS[w.condition].problem,
        code=lambda w: stage(
            "table.py", PROBLEMS.module(CONDITIONS[w.condition].problem)
        ),
    message:
        "medians and intervals of {wildcards.condition}"
    script:
        "../scripts/table.py"


rule measurement_table:
    input:
        f"{RESULTS}/measurements/{{measurement}}.parquet",
    output:
        csv=report(
            f"{RESULTS}/tables/{{measurement}}.csv",
            category="7. Tables",
            caption="../report/measurement.rst",
            labels={"table": "{measurement}"},
        ),
        md=f"{RESULTS}/tables/{{measurement}}.md",
    log:
        f"{RESULTS}/logs/tables/{{measurement}}.log",
    wildcard_constraints:
        measurement="|".join(SHOWN) or "none",
    resources:
        mem_mb=500,
        runtime=5,
    params:
        caption=lambda w: MEASUREMENTS[w.measurement].caption,
        code=stage("measurement_table.py"),
    message:
        "the table of {wildcards.measurement}"
    script:
        "../scripts/measurement_table.py"


rule transfer_table:
    input:
        expand(rules.transfer.output, condition=experiment.tested),
    output:
        csv=report(
            f"{RESULTS}/tables/transfer.csv",
            category="7. Tables",
            caption="../report/transfer.rst",
            labels={"table": "made for one condition, tested on others"},
        ),
        md=f"{RESULTS}/tables/transfer.md",
    log:
        f"{RESULTS}/logs/tables/transfer.log",
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        conditions={name: c.to_json() for name, c in experiment.tested.items()},
        code=stage(
            "transfer_table.py",
            *{PROBLEMS.module(c.problem) for c in experiment.tested.values()},
        ),
    message:
        "medians of models on conditions that they were not made for"
    script:
        "../scripts/transfer_table.py"


rule extract:
    input:
        expand(rules.respond.output, condition=ANSWERING),
    output:
        csv=report(
            f"{RESULTS}/tables/extraction.csv",
            category="7. Tables",
            caption="../report/extraction.rst",
            labels={"table": "how much of trained models is GD++"},
        ),
        md=f"{RESULTS}/tables/extraction.md",
    log:
        f"{RESULTS}/logs/tables/extraction.log",
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=stage("extract.py"),
    message:
        "how much of trained models is GD++"
    script:
        "../scripts/extract.py"


rule decoding_table:
    input:
        expand(rules.decode.output, condition=DECODED),
    output:
        csv=report(
            f"{RESULTS}/tables/decoding.csv",
            category="7. Tables",
            caption="../report/decoding.rst",
            labels={"table": "what can be read off encoders, layer by layer"},
        ),
        md=f"{RESULTS}/tables/decoding.md",
    log:
        f"{RESULTS}/logs/tables/decoding.log",
    resources:
        mem_mb=2000,
        runtime=5,
    params:
        code=stage("decoding_table.py"),
    message:
        "what can be read off encoders"
    script:
        "../scripts/decoding_table.py"


rule claims:
    input:
        # functions, because Snakemake hashes a whole list once for each of its entries
        errors=lambda w: TABLES,
        probes=lambda w: expand(rules.probe.output, condition=PROBED),
        responses=lambda w: expand(rules.respond.output, condition=ANSWERING),
        extraction=rules.extract.output.csv if ANSWERING else [],
        measurements=MEASURED,
        diabetes=rules.diabetes.output.predictions if "diabetes" in config else [],
    output:
        csv=f"{RESULTS}/claims/claims.csv",
        md=f"{RESULTS}/claims/claims.md",
        fragment=f"{RESULTS}/claims/fragment.html",
        html=report(
            f"{RESULTS}/claims/claims.html",
            category="1. Claims",
            caption="../report/claims.rst",
            labels={"table": "claims, measured numbers and verdicts"},
        ),
        captions=expand(
            f"{RESULTS}/claims/captions/{{figure}}.rst", figure=experiment.figures()
        ),
    log:
        f"{RESULTS}/logs/claims.log",
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        figures={name: bearing(spec) for name, spec in experiment.figures().items()},
        facts={name: facts(name) for name in CONDITIONS},
        code=stage(
            "claims.py",
            *entries.of_claims(),
            *{m for c in CONDITIONS.values() for m in entries.of_condition(c)},
        ),
    message:
        "confronting the claims with the measurements"
    script:
        "../scripts/claims.py"


rule provenance:
    input:
        rules.claims.output.csv,
    output:
        page=report(
            f"{RESULTS}/provenance.html",
            category="8. Provenance",
            caption="../report/provenance.rst",
            labels={"table": "commit, versions, seeds, device, configuration"},
        ),
        models=f"{RESULTS}/models.rst",
        facts=f"{RESULTS}/provenance.json",
    log:
        f"{RESULTS}/logs/provenance.log",
    resources:
        mem_mb=500,
        runtime=5,
    params:
        config=config,
        models=str(MODELS),
        missing=list(MODELS.missing),
        seeds=sorted({run.seed for run in RUNS.values()}),
        code=stage("provenance.py"),
    message:
        "writing down where everything comes from"
    script:
        "../scripts/provenance.py"
