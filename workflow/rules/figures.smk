from icnewton.figures import module_of

BUILT_TABLES = {
    "built_decrease": rules.decrease.output,
    "built_layers": rules.check_damped_newton.output.steps,
    "built_width": rules.check_damped_newton.output.widths,
    "built_budget": rules.check_damped_newton.output.budget,
}


def figure_tables(wildcards):
    """The tables that a figure is drawn from, by its kind."""
    spec = config["figures"][wildcards.figure]
    if spec["kind"] in BUILT_TABLES:
        return BUILT_TABLES[spec["kind"]]
    if spec["kind"] in ("curves", "headline") or spec["kind"].startswith("logistic"):
        return [f"{RESULTS}/tables/{condition}.csv" for condition in spec["conditions"]]
    suffix = (
        "parquet" if spec["kind"] in ("similarity", "ablation") else "probe.parquet"
    )
    return [
        path
        for condition in spec["conditions"]
        for path in evaluated(condition, suffix)
    ]


rule figure:
    input:
        figure_tables,
    output:
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            category=lambda w: config["figures"][w.figure]["section"],
            caption="../report/figure.rst",
            labels={"figure": "{figure}"},
        ),
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        svg=f"{RESULTS}/figures/{{figure}}.svg",
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        spec=lambda w: config["figures"][w.figure],
        untrained=lambda w: [
            name
            for name in MODELS.missing
            if name.split("/")[0] in config["figures"][w.figure].get("conditions", [])
        ],
        code=lambda w: stage(
            "figure.py", module_of(config["figures"][w.figure]["kind"])
        ),
    message:
        "drawing {wildcards.figure}"
    script:
        "../scripts/figure.py"
