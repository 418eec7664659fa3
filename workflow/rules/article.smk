def in_page(path):
    """A file of the results as a page in their folder links to it."""
    return os.path.relpath(path, RESULTS)


def tables_of(name):
    """The tables of numbers behind a figure, as CSV where there is one."""
    spec, kind = config["figures"][name], experiment.figure_kind(name)
    if kind.tables == "transfer":
        return [rules.transfer_table.output.csv]
    if kind.tables == "decoding":
        return [rules.decoding_table.output.csv]
    if kind.tables == "measurement":
        folder, suffix = (
            ("tables", "csv")
            if kind.measurement in SHOWN
            else ("measurements", "parquet")
        )
        return [f"{RESULTS}/{folder}/{kind.measurement}.{suffix}"]
    return [f"{RESULTS}/tables/{condition}.csv" for condition in spec["conditions"]]


def figure_in_article(name):
    """What the article needs to know of a figure besides its tables."""
    spec, kind = experiment.figures()[name], experiment.figure_kind(name)
    words = experiment.words(name)
    code = entries.of_figure(spec["kind"])[0].replace(".", "/")
    return {
        **spec,
        "caption": kind.caption,
        "panels": spec.get("panels", []),
        "conditions": spec.get("conditions", []),
        "titles": words["methods"],
        "condition_titles": words["conditions"],
        "data": [in_page(path) for path in tables_of(name)],
        "code": in_page(HERE / f"src/{code}.py"),
        "shows_medians": kind.tables in ("medians", "errors"),
    }


def article_spec(wildcards):
    """What the configuration says of the article."""
    protocols = {name: c.protocol for name, c in CONDITIONS.items()}
    return {
        "scale": name_of(config["scale"]),
        "figures": {name: figure_in_article(name) for name in experiment.figures()},
        "protocols": protocols,
        "protocol_titles": {name: PROTOCOLS[name].title for name in protocols.values()},
        "kappas": {name: c.kappa for name, c in CONDITIONS.items()},
        "models": f"Models: {MODELS}.",
    }


rule article:
    input:
        expand(rules.figure.output, figure=experiment.figures()),
        rules.claims.output.csv,
        expand(rules.table.output.csv, condition=CONDITIONS),
        expand(rules.measurement_table.output.csv, measurement=SHOWN),
        rules.extract.output.csv if ANSWERING else [],
        facts=rules.provenance.output.facts,
    output:
        f"{RESULTS}/index.html",
    log:
        f"{RESULTS}/logs/article.log",
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        spec=article_spec,
        templates=files_digest(
            HERE / f"src/icnewton/{room}/templates"
            for room in ("article", "inside", "pages")
        ),
        code=stage("article.py", *entries.of_claims()),
    message:
        "writing the article"
    script:
        "../scripts/article.py"
