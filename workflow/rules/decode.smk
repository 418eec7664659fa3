rule decode:
    input:
        prompts=rules.data.output[0],
        models=lambda w: weights(decoded_at(w.condition)),
    output:
        f"{RESULTS}/evaluate/{{condition}}/decoding.parquet",
    log:
        f"{RESULTS}/logs/evaluate/{{condition}}/decoding.log",
    resources:
        mem_mb=3000,
        runtime=20,
    params:
        condition=lambda w: CONDITIONS[w.condition].to_json(),
        folders=lambda w: folders(decoded_at(w.condition)),
        seeds=lambda w: seeds(decoded_at(w.condition)),
        algorithms=lambda w: decoded_iterates(w.condition),
        code=lambda w: stage(
            "decode.py",
            *{
                m
                for name in decoded_at(w.condition)
                for m in entries.of_run(RUNS[name])
            },
            *entries.of_condition(CONDITIONS[w.condition]),
            *entries.of_algorithms(decoded_iterates(w.condition)),
        ),
    message:
        "reading iterates off encoders on {wildcards.condition}"
    script:
        "../scripts/decode.py"


def decoding_panels(condition):
    """The panels of figures that show what can be read off encoders of a condition."""
    return [
        panel
        for name, spec in experiment.figures().items()
        if experiment.figure_kind(name).tables == "decoding"
        and condition in spec["conditions"]
        for panel in spec["panels"]
    ]


def decoded_at(condition):
    """The models of a condition that such figures name."""
    shown = {
        (method, depth)
        for panel in decoding_panels(condition)
        for method, depths in panel["models"].items()
        for depth in depths
    }
    return [
        name
        for name in names_at(condition)
        if (method_of(name), RUNS[name].layers) in shown
    ]


def decoded_iterates(condition):
    """The algorithms that such figures name, and their steps."""
    steps = experiment.algorithms(CONDITIONS[condition].problem)
    named = [a for panel in decoding_panels(condition) for a in panel["algorithms"]]
    return {name: steps[name] for name in dict.fromkeys(named)}
