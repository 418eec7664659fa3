"""Bad and hostile configurations: 200 at random, and texts that YAML half understands, refused in
words or rightly taken.

``pytest tests/test_hostile_*.py -s`` prints how many of each.
"""

import copy
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from conftest import clone, environment_of
from hostile import change, fuzz, junk
from hypothesis import given
from hypothesis import strategies as st

from icnewton.pipeline.complaints import ConfigError
from icnewton.pipeline.complaints import check as check_config
from icnewton.pipeline.schema import merged
from icnewton.training.recipe import Recipe
from icnewton.training.runs import parse_run

SMOKE = merged("smoke")
CURRICULUM = vars(Recipe.named("authors").curriculum)
NAME = re.compile(
    r"[a-z]+_kappa[^/_\s]+_(noise|mu)[^/_\s]+/[a-z_]+(-[a-z_]+)?_layers[0-9]+_seed[0-9]+"
)


def assert_sound(experiment):
    """Everything that the workflow derives from a configuration can be derived, and names are names
    of files.
    """
    runs = experiment.runs
    for name, run in runs.items():
        assert NAME.fullmatch(name) and parse_run(json.loads(json.dumps(run.to_json()))) == run
        assert name.startswith(f"{experiment.name(run.condition)}/")
        recipe = run.recipe
        if (
            run.layers
            * recipe.width
            * (4 * recipe.heads * recipe.head_dim + 2 * recipe.hidden_width)
            < 10**5
        ):
            assert run.transformer().config.depth == run.layers
    conditions = experiment.everywhere
    assert len(set(conditions.values())) == len(conditions)
    assert all(experiment.words(figure) for figure in experiment.figures())
    assert all(re.fullmatch(r"\w+", figure) for figure in experiment.figures())


def test_200_configurations():
    counts = Counter()

    @fuzz(200)
    @given(st.data())
    def check(data):
        config = copy.deepcopy(SMOKE)
        for _ in range(data.draw(st.sampled_from([1, 1, 2, 3]))):
            change(data, config, junk)
        try:
            experiment = check_config(config)
        except ConfigError as error:
            counts["refused"] += 1
            first, *lines = str(error).split("\n")
            assert first.startswith("the configuration has ") and lines and len(lines) <= 51
            assert all(
                re.match(r"  - .+(: expected| must) .+|  - and so on", line) and len(line) < 1500
                for line in lines
            ), error
        else:
            counts["accepted"] += 1
            assert_sound(experiment)

    check()
    print(f"\nconfigurations: {dict(counts)}")
    assert counts["refused"] > 100 and counts["accepted"] > 5
    assert check_config(SMOKE)


def bomb():
    """A short YAML text whose anchors say three thousand million values."""
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join(f'*a{i - 1}' for _ in range(9))}]" for i in range(1, 10)]
    return yaml.safe_load("\n".join(lines))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda c: c.update(figures={"../../evil": c["figures"]["figure10"]}),
            "figures: expected text like",
        ),
        (
            lambda c: c["figures"].update({"a\n": c["figures"]["figure10"]}),
            "figures: expected text like",
        ),
        (
            lambda c: c["figures"].update({"x" * 61: c["figures"]["figure10"]}),
            "figures: expected at most 60 letters",
        ),
        (
            lambda c: c["figures"]["figure10"].update(panels=c["figures"]["figure2"]["panels"]),
            "expected no panels",
        ),
        (
            lambda c: c["figures"]["figure2"].update(section="<script>"),
            "figures.figure2.section: expected one of",
        ),
        (
            lambda c: c["runs"][0].update(kappa=[10, 10.0000001]),
            "runs[0].kappa: expected a number of at most six digits",
        ),
        (
            lambda c: c["constructions"]["chebyshev"]["conditions"][0].update(kappa=10.0000001),
            "conditions[0].kappa: expected a number of",
        ),
        (lambda c: c["runs"][0].update(kappa=[1e308]), "runs[0].kappa[0]: expected at most"),
        (
            lambda c: c["runs"][0].update(layers=[1.0]),
            "runs[0].layers[0]: expected a value of type integer, found 1.0",
        ),
        (
            lambda c: c["runs"][0].update(layers=[True]),
            "runs[0].layers[0]: expected a value of type integer, found True",
        ),
        (lambda c: c["runs"][0].update(layers=[10**9]), "runs[0].layers[0]: expected at most 1000"),
        (
            lambda c: c["runs"][0].update(seeds=[2**31]),
            "runs[0].seeds[0]: expected at most 2147483647",
        ),
        (
            lambda c: c["runs"][0].update(seeds=list(range(1001)), layers=list(range(1, 101))),
            "expected at most 100000 models",
        ),
        (
            lambda c: c["runs"][0]["set"].update(warmup=61),
            "runs[0]: expected warmup to be at most steps, found 61 and 60",
        ),
        (
            lambda c: c["runs"][0]["set"].update(betas=[0.9, 1]),
            "runs[0].set.betas[1]: expected less than 1, found 1",
        ),
        (
            lambda c: c["runs"][0].update({"set": {"steps": 16**5000}}),
            "set.steps: expected a number of at most 64 bits",
        ),
        (
            lambda c: c["runs"][3]["set"].update(curriculum=CURRICULUM),
            "runs[3]: expected curriculum to be null",
        ),
        (
            lambda c: c["measurements"]["breast_cancer"].update(error=0.5),
            "measurements.breast_cancer.error: expected at most 0.134 at mu = 0.1",
        ),
        (
            lambda c: c["constructions"]["damped_newton"]["conditions"][0].update(mu=1e-6),
            "constructions.damped_newton.set.error: expected at most",
        ),
        (
            lambda c: c["evaluation"].update(probes=5),
            "evaluation.probes: expected at most one for each of 4 covariances",
        ),
        (lambda c: c["algorithms"].update(newton2=[]), "newton2: expected at least 1 entries"),
        (lambda c: c.update(recipes={5: {}}), "recipes: expected keys that are text, found 5"),
        (
            lambda c: c.update(recipes={16**5000: {}}),
            "recipes: expected keys that are text, found a int too large to print",
        ),
        (lambda c: c.update(runs=c), "expected at most 20000 values in 16 levels"),
        (
            lambda c: c.update(runs=(tuple(bomb().items()),)),
            "expected at most 20000 values in 16 levels",
        ),
        (lambda c: c.update(bomb()), "expected at most 20000 values in 16 levels"),
        (lambda c: c.update(runs="x" * 10**7), "runs: expected at most 1000 letters"),
    ],
)
def test_a_hostile_configuration_is_refused(edit, message):
    config = copy.deepcopy(SMOKE)
    edit(config)
    with pytest.raises(ConfigError) as error:
        check_config(config)
    assert message in str(error.value) and len(str(error.value)) < 10**4


@pytest.mark.parametrize("config", [None, [], "text", 5, {}, {1: 2}])
def test_what_is_no_configuration_is_refused(config):
    with pytest.raises(ConfigError, match="expected"):
        check_config(config)


BASE = (
    Path("config.yaml").read_text(encoding="utf-8").replace("runs: []\n", "")
    + """
problems: {linear: {d: 10, n: 50}}
recipes:
  fast:
    lsa: &fast {width: 64, batch: 64, steps: 6000, learning_rate: 3.0e-3, betas: [0.9, 0.98]}
    lsa_ln: {<<: *fast, steps: 2000}
"""
)
TEXTS_OF_CONFIG = {
    "empty": b"",
    "a list": b"- scale: smoke\n",
    "a word": b"smoke\n",
    "a tab": BASE.replace("device: auto", "\tdevice: auto"),
    "cut in a list": BASE[: BASE.index("[0.9, 0.98]") + 4],
    "cut in half": BASE[: len(BASE) // 2],
    "a key twice": BASE + "\nproblems: {}\n",
    "an unknown anchor": BASE.replace("<<: *fast, steps: 2000", "<<: *slow, steps: 2000"),
    "a mapping that holds itself": BASE.replace("{linear: {d: 10", "&p {p: *p, linear: {d: 10"),
    "anchors of anchors": BASE
    + "\nruns: [&a0 [1]"
    + "".join(f", &a{i} [{f'*a{i - 1}, ' * 9}]" for i in range(1, 9))
    + "]",
    "mappings of mappings": BASE
    + "\nm0: &m0 {}\n"
    + "\n".join(f"m{i}: &m{i} {{a: *m{i - 1}, b: *m{i - 1}}}" for i in range(1, 60)),
    "binary": bytes(range(256)) * 9,
    "a nul": BASE.replace("auto", "a\0to"),
    "latin-1": (BASE + "\nfigures: {é: 1}\n").encode("latin-1"),
    "a python object": BASE.replace(
        "device: auto", "device: !!python/object/apply:os.system [touch trap]"
    ),
    "a template": BASE + "\n__use_yte__: true\n?open('trap', 'w'): 1\n",
    "a date": BASE.replace("steps: 6000", "steps: 2026-01-01"),
    "a number as text": BASE.replace("3.0e-3", "3e-3"),
    "yes": BASE.replace("width: 64", "width: yes"),
    "sixty": BASE.replace("batch: 64", "batch: 1:30:00:00:00:00:00:00:00:00:00:00:00"),
    "long digits": BASE.replace("width: 64", f"width: {'9' * 5000}"),
    "deep": BASE + "\nruns: " + "[" * 3000 + "]" * 3000 + "\n",
    "keys of numbers": BASE + "\nfigures: {1: 2}\n",
    "a list as key": BASE + "\nfigures: {[1]: 2}\n",
    "without scale": BASE.replace("scale: laptop", ""),
    "a scale of another kind": BASE.replace("scale: laptop", "scale: [smoke]"),
    "an unknown scale": BASE.replace("scale: laptop", "scale: nothing"),
    "a scale elsewhere": BASE.replace("scale: laptop", "scale: ../../config"),
    "an evil figure": BASE
    + "\nfigures: {../../evil: {kind: built_decrease, section: 6. Beyond the paper}}\n",
    "as it is": BASE,
}


@pytest.mark.slow
def test_snakemake_on_damaged_texts(tmp_path_factory):
    """The real command: a plan, or words that name the key or the file, and no traceback."""
    folder, counts = clone(tmp_path_factory.mktemp("clone") / "one"), Counter()
    for name, text in TEXTS_OF_CONFIG.items():
        (folder / "config.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        arguments = [] if "scale" in name else ["--config", "scale=smoke"]
        command = [sys.executable, "-m", "snakemake", "-n", "--cores", "1", *arguments]
        result = subprocess.run(
            command,
            cwd=folder,
            env=environment_of(folder),
            capture_output=True,
            encoding="utf-8",
            timeout=90,
        )
        output = result.stdout + result.stderr
        print(f"\n{name}:", *[line for line in output.splitlines() if ": expected" in line][:3])
        assert "Traceback" not in output and len(output) < 10**5, name
        assert result.returncode == (name != "as it is"), name
        assert result.returncode == 0 or re.search(
            r"^(\S+\.yaml|  - [\w.\[\]]+|  - the configuration): .*expected .* found", output, re.M
        )
        counts["accepted" if result.returncode == 0 else "refused"] += 1
    print(f"\ntexts: {dict(counts)}")
    assert not (folder / "trap").exists()
