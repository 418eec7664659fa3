"""Every entry keeps what its registry promises, and unknown names are told with the known ones."""

from dataclasses import replace

import pytest
import torch

import icnewton
from icnewton.algorithms import ALGORITHMS
from icnewton.constructions import CONSTRUCTIONS
from icnewton.evaluation.answers import built, frame, references
from icnewton.evaluation.measurements import MEASUREMENTS
from icnewton.evaluation.statistics import medians
from icnewton.figures import FIGURES
from icnewton.models.families import FAMILIES
from icnewton.models.gram import sees_gram_matrix_alone
from icnewton.models.weights import load, save
from icnewton.pipeline.schema import REGISTRIES
from icnewton.problems import PROBLEMS
from icnewton.problems.parts.parse import parse_condition
from icnewton.protocols import PROTOCOLS
from icnewton.randomness import generator
from icnewton.registry import UnknownEntry
from icnewton.training.fast.gram import sample_condensed
from icnewton.training.fast.step import draw, quick_answer
from icnewton.training.recipe import Recipe, recipes
from icnewton.training.runs import Run
from icnewton.training.step import gradient, start
from icnewton.typed import schema_of_settings

OWN = {"mu": 0.1}


def condition_for(problem, protocol=None):
    """A small condition of a problem, by a protocol that is made for it."""
    law = protocol or next(p for p in PROTOCOLS if is_for(p, problem))
    own = {key: OWN.get(key, 0.2) for key in PROBLEMS[problem].condition.own()}
    values = {"problem": problem, "protocol": law, "d": 3, "n": 9, "kappa": 5.0}
    return parse_condition(values | own)


def is_for(protocol, problem):
    made_for = PROTOCOLS[protocol].problems
    return not made_for or problem in made_for


@pytest.mark.parametrize("name", REGISTRIES)
def test_an_unknown_name_is_told_with_the_known_ones(name):
    registry = REGISTRIES[name]
    known = ", ".join(registry)
    assert known
    for wrong in ("nothing", "Nothing9", "", None, 3, "parts", "__init__", "../linear"):
        with pytest.raises(UnknownEntry, match=f"expected one of {known}, found"):
            registry[wrong]
        assert wrong not in registry


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_a_protocol_draws_by_its_law(name):
    law, source = PROTOCOLS[name], generator("law", name)
    u = law.white((100_000, 4), source, torch.float64)
    assert u.mean(0).abs().max() < 0.02
    torch.testing.assert_close(u.mT @ u / len(u), torch.eye(4, dtype=u.dtype), rtol=0, atol=0.1)
    spectra = law.spectra(5, 8.0, 200, source, torch.float64)
    ratio = spectra.amax(-1) / spectra.amin(-1)
    torch.testing.assert_close(ratio, torch.full_like(ratio, 8.0))
    fourth = (u**4).mean().item()
    assert not law.is_gaussian or fourth == pytest.approx(3, abs=0.1)
    assert law.title


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
@pytest.mark.parametrize("problem", list(PROBLEMS))
def test_a_problem_draws_prompts_by_a_protocol_or_refuses_it(problem, protocol):
    if not is_for(protocol, problem):
        with pytest.raises(ValueError, match=f"protocol must be one for {problem} problems"):
            condition_for(problem, protocol)
        return
    condition, entry = condition_for(problem, protocol), PROBLEMS[problem]
    prompts = entry.sample(condition, 4, 2, generator("p"), torch.float64)
    assert type(prompts) is entry.prompts and prompts.y.shape == (8, 9) and prompts.d == 3
    again = entry.sample(condition, 4, 2, generator("p"), torch.float64)
    assert all(
        torch.equal(one, other)
        for one, other in zip(vars(prompts).values(), vars(again).values(), strict=True)
    )
    judged = entry.judge(prompts.target, prompts, condition)
    wanted = {m.quantity for m in entry.measures.values() if not m.is_final_loss}
    assert wanted <= set(judged) and all(values.shape == (8,) for values in judged.values())
    assert prompts.error(prompts.target).max() == 0


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_only_gaussian_prompts_are_drawn_as_gram_matrices(protocol):
    problem = next(name for name in PROBLEMS if is_for(protocol, name))
    condition, size = condition_for(problem, protocol), (2, 2, generator("p"), torch.float32)
    if problem == "linear" and PROTOCOLS[protocol].is_gaussian:
        assert sample_condensed(condition, *size)[0].shape == (4, 5, 4)
    else:
        with pytest.raises(ValueError, match="prompts must be linear with Gaussian examples"):
            sample_condensed(condition, *size)


def run_of(family, **changes):
    entry = FAMILIES[family]
    small = {"width": 16, "heads": 2, "head_dim": 8, "steps": 3, "warmup": 1, "batch": 6}
    recipe = Recipe.named("fast", family, **small | {"prompts_per_covariance": 1} | changes)
    return Run(family, condition_for(entry.problem), 2, 0, recipe)


@pytest.mark.parametrize("clip", [None, 10.0])
@pytest.mark.parametrize("attends", [False, True])
@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_short_cuts_of_a_family_are_the_plain_step(family, attends, clip):
    run = run_of(family, query_as_key=attends, activation_clip=clip)
    state = start(run, "cpu")
    state.transformer.double()
    prompts = run.sample(6, 1, generator("p"))
    batch = run.format.tokens(prompts.x, prompts.y), run.target(prompts)
    gradients = []
    for answer in (quick_answer, type(state.transformer).answer):
        value = gradient(run, state.transformer, batch, answer)
        gradients.append([value, *(p.grad.clone() for p in state.transformer.parameters())])
    for quick, plain in zip(*gradients, strict=True):
        torch.testing.assert_close(quick, plain, rtol=1e-8, atol=1e-12)
    condensed = draw(run, start(run, "cpu"))[0].shape[1] < batch[0].shape[1]
    assert condensed == sees_gram_matrix_alone(state.transformer)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_model_of_a_family_is_trained_saved_and_loaded(family, tmp_path):
    run = run_of(family)
    own = {key: getattr(run.condition, key) for key in run.condition.own()}
    sizes = {"d": 3, "n": 9, "kappa": 5.0, "protocol": run.condition.protocol}
    model = icnewton.train(family, layers=2, recipe=run.recipe, **sizes, **own)
    save(model, tmp_path / "m")
    prompts = icnewton.sample(run.condition.problem, prompts=4, **sizes, **own)
    assert torch.equal(load(tmp_path / "m").error(prompts), model.error(prompts))
    assert model.card.family == family and model.error(prompts).shape == (4,)


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_an_algorithm_gives_answers_step_by_step(name):
    entry = ALGORITHMS[name]
    condition = condition_for(entry.problem)
    problem = PROBLEMS[entry.problem]
    prompts = problem.sample(condition, 3, 2, generator("p"), torch.float64)
    answers = list(references(name, entry.steps, condition, prompts))
    assert [item.step for item in answers] == list(entry.steps) and entry.title
    assert all(item.values.shape == prompts.target.shape for item in answers)
    table = medians(frame(answers, condition, prompts), problem.measures)
    assert set(table["method"]) == {name} and not table["median"].isna().any()


@pytest.mark.parametrize("name", [name for name in ALGORITHMS if ALGORITHMS[name].construction])
def test_an_algorithm_is_what_its_construction_executes(name):
    entry = ALGORITHMS[name]
    condition = condition_for(entry.problem)
    prompts = PROBLEMS[entry.problem].sample(condition, 3, 2, generator("p"), torch.float64)
    S = prompts.x[:, :-1].mT @ prompts.x[:, :-1]
    largest = torch.linalg.eigvalsh(S)[:, -1]
    for index in range(6):  # a model has one start for all prompts, an algorithm its own
        one = prompts.map(lambda tensor, i=index: tensor[i : i + 1])
        smallest = torch.linalg.eigvalsh(S)[index, 0]
        alpha = (1 / (largest[index] ** 2 + smallest**2)).item()
        for item in references(name, [0, 1, 3], condition, one):
            settings = {**entry.settings, "alpha": alpha, "steps": item.step}
            model = icnewton.build(entry.construction, d=3, n=9, **settings)
            torch.testing.assert_close(
                model.answer(one.x, one.y), item.values, rtol=1e-8, atol=1e-9
            )
            assert model.card.depth == item.layers


BUILT = {
    "least_squares": {"order": 3},
    "damped_newton": {"error": 1e-2},
    "logistic_gradient_descent": {"error": 1e-2},
}


@pytest.mark.parametrize("family", [f for f in CONSTRUCTIONS if CONSTRUCTIONS[f].problem])
def test_a_construction_suits_a_condition(family):
    entry = CONSTRUCTIONS[family]
    protocol = "bounded" if entry.problem == "logistic" else None
    condition = condition_for(entry.problem, protocol)
    prompts = PROBLEMS[entry.problem].sample(condition, 2, 2, generator("p"), torch.float64)
    settings = entry.suited(condition, BUILT.get(family, {}))
    steps = [1, 2]
    models = {step: icnewton.build(family, **settings, steps=step) for step in steps}
    if entry.answers:
        models = dict.fromkeys(steps, models[2])
    answers = list(built("mine", family, models, condition, prompts))
    assert [item.step for item in answers] == steps
    assert answers[0].layers < answers[1].layers
    for item in answers:
        assert item.method == "built_mine" and item.values.shape == prompts.target.shape


@pytest.mark.parametrize("name", list(MEASUREMENTS))
def test_a_measurement_says_what_its_settings_may_be(name):
    schema = schema_of_settings(MEASUREMENTS[name].measure)
    assert schema["type"] == "object" and set(schema["required"]) <= set(schema["properties"])


@pytest.mark.parametrize("name", recipes())
def test_a_recipe_is_whole(name):
    for family in recipes()[name]:
        recipe = Recipe.named(name, family)
        assert recipe.steps >= recipe.warmup and replace(recipe) == recipe
    with pytest.raises(ValueError, match="recipe: expected one of authors, fast, "):
        Recipe.named("secret")
    with pytest.raises(ValueError, match=r"family: expected one of .*lsa, .*, found 'nothing'"):
        Recipe.named(name, "nothing")


@pytest.mark.parametrize("name", list(FIGURES))
def test_a_kind_of_figure_has_a_caption(name):
    assert FIGURES[name].caption
