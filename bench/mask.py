"""`make mask`: where depth stops paying for LSA that attends to its query, and where theory says
so, to bench/mask.json.

Each model is trained by the recipe ``fast`` on normalised prompts (kappa 10, no noise) of n
examples, with and without the query among the keys; the level is that of least squares with the
query as an example of label 0 (``icnewton.theory.query_as_key``). What is in the file is not
measured again.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import product

from bench.beyond import FAST, ROOT, errors, keep, known, summary
from icnewton.figures.parts.style import VARIANTS, plt, save, styled
from icnewton.models.transformer import Transformer
from icnewton.problems.linear import LinearCondition, LinearPrompts, sample
from icnewton.randomness import generator
from icnewton.theory import query_as_key
from icnewton.theory.polynomials import fitting_prompts
from icnewton.threads import limit_threads
from icnewton.training.fast.memory import keep_freed_memory
from icnewton.training.fast.step import advance
from icnewton.training.runs import Run
from icnewton.training.step import start

RESULTS = ROOT / "bench/mask.json"
PICTURE = ROOT / "docs/mask.png"
EXAMPLES, LAYERS = (25, 50, 100, 200), (2, 3, 4, 5)
WORDS = {"the query is a key": "attends", "it is none": "does not attend"}


def trained(run: Run) -> Transformer:
    """The transformer of a run after all its steps."""
    state = start(run, "cpu")
    for _ in range(run.recipe.steps):
        advance(run, state)
    return state.transformer


def level(condition: LinearCondition, prompts: LinearPrompts) -> dict[str, float]:
    """The errors of least squares with the query as an example, times the constant that is best on
    40,000 other prompts.
    """
    factor = query_as_key.best_factor(fitting_prompts(condition, 40000))
    return summary(factor * query_as_key.predict(prompts), prompts)


def outcome(run: Run, prompts: LinearPrompts) -> dict[str, float]:
    """The errors of a run's model."""
    return errors(trained(run), run.format, prompts)


def draw(results: Mapping[str, Mapping[str, float]]) -> None:
    """docs/mask.png: median errors against layers with and without the query among the keys, and
    the levels.
    """
    with styled():
        figure, axes = plt.subplots(
            1, len(EXAMPLES), figsize=(11, 3.4), sharey=True, layout="constrained"
        )
        for ax, n in zip(axes, EXAMPLES, strict=True):
            for (label, words), (colour, marker, line) in zip(
                WORDS.items(), VARIANTS, strict=False
            ):
                errors = [results[f"n {n} {words} {layers} layers"]["median"] for layers in LAYERS]
                ax.plot(LAYERS, errors, line, color=colour, marker=marker, label=label)
            ax.axhline(
                results[f"n {n} level"]["median"],
                color="#A00020",
                linestyle=":",
                label="level of the theory",
            )
            ax.set_yscale("log")
            ax.set_title(f"n = {n} examples")
            ax.set_xlabel("layers")
            ax.set_xticks(LAYERS)
        axes[0].set_ylabel("median squared error / tr Σ")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
        save(figure, {"png": PICTURE})


def main() -> None:
    """Measure what there is no result of, and draw everything."""
    limit_threads(1)
    keep_freed_memory()
    for n in EXAMPLES:
        condition = LinearCondition("normalised", 10, n, 10.0, 0.0)
        prompts = sample(condition, 256, 16, generator("mask", n))
        keep(RESULTS, f"n {n} level", partial(level, condition, prompts))
        for words, layers in product(WORDS.values(), LAYERS):
            run = Run("lsa", condition, layers, 0, replace(FAST, query_as_key=words == "attends"))
            keep(RESULTS, f"n {n} {words} {layers} layers", partial(outcome, run, prompts))
    draw(known(RESULTS))


if __name__ == "__main__":
    main()
