def figure_tables(wildcards):
    """The tables that a figure is drawn from, as its kind declares."""
    spec, kind = (
        config["figures"][wildcards.figure],
        experiment.figure_kind(wildcards.figure),
    )
    if kind.tables == "measurement":
        return [f"{RESULTS}/measurements/{kind.measurement}.parquet"]
    if kind.tables == "transfer":
        return rules.transfer_table.output.csv
    if kind.tables == "medians":
        return [f"{RESULTS}/tables/{condition}.csv" for condition in spec["conditions"]]
    if kind.tables == "probes":
        return expand(rules.probe.output, condition=spec["conditions"])
    if kind.tables == "decoding":
        return expand(rules.decode.output, condition=spec["conditions"])
    if kind.tables == "responses":
        return expand(rules.respond.output, condition=spec["conditions"])
    return [path for condition in spec["conditions"] for path in evaluated(condition)]


def untrained(figure):
    """The models that a figure might show and nobody has trained."""
    if experiment.figure_kind(figure).tables == "transfer":
        tested = {run for runs in experiment.transfers.values() for run in runs}
        return sorted(tested & MODELS.missing.keys())
    shown = config["figures"][figure].get("conditions", [])
    return [name for name in MODELS.missing if name.split("/")[0] in shown]


rule figure:
    input:
        figure_tables,
    output:
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            category=lambda w: experiment.figures()[w.figure]["section"],
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
        untrained=lambda w: untrained(w.figure),
        words=lambda w: experiment.words(w.figure),
        caption=lambda w: experiment.figure_kind(w.figure).caption,
        code=lambda w: stage(
            "figure.py", *entries.of_figure(config["figures"][w.figure]["kind"])
        ),
    message:
        "drawing {wildcards.figure}"
    script:
        "../scripts/figure.py"
