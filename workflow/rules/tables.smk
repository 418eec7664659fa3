ERRORS, PROBES = (
    [path for condition in LINEAR for path in evaluated(condition, suffix)]
    for suffix in ("parquet", "probe.parquet")
)
ANSWERS = [path for condition in LOGISTIC for path in logistic_answers(condition)]


def bearing(spec):
    """What of a figure decides which claims it bears on."""
    families = {f for panel in spec.get("panels", []) for f in panel["models"]}
    return {
        "kind": spec["kind"],
        "conditions": spec.get("conditions", []),
        "families": sorted(families),
    }


rule table:
    input:
        lambda w: evaluated(w.condition, "parquet"),
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
        condition=LINEAR_NAME,
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=stage("table.py"),
    message:
        "medians and intervals of {wildcards.condition}"
    script:
        "../scripts/table.py"


rule claims:
    input:
        # functions, because Snakemake hashes a whole list once for each of its entries
        errors=lambda w: ERRORS,
        probes=lambda w: PROBES,
        checks=rules.check_constructions.output[0],
        diabetes=rules.evaluate_diabetes.output.predictions,
        logistic=lambda w: ANSWERS,
        steps=rules.check_damped_newton.output.steps,
        widths=rules.check_damped_newton.output.widths,
        budget=rules.check_damped_newton.output.budget,
        decrease=rules.decrease.output[0],
        cancer=rules.cancer.output.csv,
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
            f"{RESULTS}/claims/captions/{{figure}}.rst", figure=config["figures"]
        ),
    log:
        f"{RESULTS}/logs/claims.log",
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        figures={name: bearing(spec) for name, spec in config["figures"].items()},
        code=stage("claims.py"),
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
    log:
        f"{RESULTS}/logs/provenance.log",
    resources:
        mem_mb=500,
        runtime=5,
    params:
        config=config,
        models=str(MODELS),
        missing=list(MODELS.missing),
        code=stage("provenance.py"),
    message:
        "writing down where everything comes from"
    script:
        "../scripts/provenance.py"
