"""What rules share: the names of files, and digests of the code that jobs run."""


def stage(script, *modules):
    """A digest of the code of a job, entries that it names included; it is run again when that
    changes.
    """
    return script_digest(HERE / "workflow/scripts" / script, *modules)


def learned(name):
    """Weights and card of a run: those that were released, or those that are trained here."""
    folder = MODELS.released.get(name, f"{RESULTS}/train/{name}")
    return [f"{folder}/{file}" for file in ("weights.safetensors", "card.json")]


def folders(names):
    """The folder of each of some runs."""
    return {name: str(Path(learned(name)[0]).parent) for name in names}


def weights(names):
    """Weights and cards of some runs."""
    return [path for name in names for path in learned(name)]


def seeds(names):
    """The seed of each of some runs."""
    return {name: RUNS[name].seed for name in names}


def of_runs(condition, names):
    """The entries that evaluating some runs on a condition uses."""
    used = [module for name in names for module in entries.of_family(RUNS[name].family)]
    return [*entries.of_condition(condition), *dict.fromkeys(used)]


def drawn_from(tables):
    """The conditions of figures that are drawn from tables of a sort."""
    found = {
        condition
        for name, spec in experiment.figures().items()
        if experiment.figure_kind(name).tables == tables
        for condition in spec["conditions"]
    }
    return sorted(found)


# what there is of each kind
PROBED = [
    name
    for name, condition in CONDITIONS.items()
    if condition.problem == "linear" and config["evaluation"]["probes"]
]
ANSWERING = drawn_from("responses")  # where models' residual polynomials are drawn
DECODED = drawn_from("decoding")  # where encoders' streams are probed
FITTED = [
    experiment.named(values)
    for values in config.get("polynomial", {}).get("conditions", [])
]


def names_at(condition):
    """The runs that are trained or released on a condition."""
    return [
        *MODELS.trained_at.get(condition, []),
        *MODELS.released_at.get(condition, []),
    ]


def evaluated(condition):
    """The evaluation tables of a condition."""
    problem = CONDITIONS[condition].problem
    names = ["references"] if experiment.algorithms(problem) else []
    if names_at(condition):
        names.append("learned")
    if experiment.built(condition):
        names.append("built")
    if condition in FITTED:
        names.append("limits")
    return [f"{RESULTS}/evaluate/{condition}/{name}.parquet" for name in names]
