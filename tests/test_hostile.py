"""Bad and hostile input: 200 configurations, 200 damaged models and 100 checkpoints, each refused in words or rightly taken.

``pytest tests/test_hostile.py -s`` prints how many of each.
"""

import copy
import datetime
import hashlib
import json
import os
import re
import resource
import struct
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
import torch
import yaml
from conftest import clone, environment_of, load_config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import icnewton
from icnewton.experiment import ConfigError, Experiment, parse_run
from icnewton.models import assemble
from icnewton.training.checkpoint import load_checkpoint, save_checkpoint
from icnewton.training.engine import advance, start

SCHEMA = yaml.safe_load(Path("workflow/schemas/config.schema.yaml").read_text())
SMOKE = load_config("smoke")
NAME = re.compile(r"[a-z]+_kappa[^/_\s]+_(noise|mu)[^/_\s]+/[a-z_]+_layers[0-9]+_seed[0-9]+")
HEALTH = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large, HealthCheck.large_base_example]

NUMBERS = [0, -1, 1, 2, 3, 7, 11, 200, 2**31, 2**63, 10**400, -(10**30), 0.5, 1.0, -0.0, 1 / 3, 10.0000001, 5e-324, 1e308, 1e17]
TEXTS = ["", "../../evil", "a/b", "x\n", "{run}", "<script>", "\0", "é" * 10**5, "1e-3", "lsa", "newton3", "\ud800", "null"]
scalars = st.one_of(
    st.sampled_from([*NUMBERS, float("nan"), float("inf"), None, True, False]),
    st.sampled_from(TEXTS),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
)
foreign = st.sampled_from([b"bytes", datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 1), {1, 2}, (1, 2), 1j])
keys = st.one_of(st.text(max_size=5), st.sampled_from([1, None, True, datetime.date(2026, 1, 1), 2.5]))
junk = st.recursive(st.one_of(scalars, foreign), lambda s: st.lists(s, max_size=3) | st.dictionaries(keys, s, max_size=3))
plain = st.recursive(scalars, lambda s: st.lists(s, max_size=3) | st.dictionaries(st.text(max_size=5), s, max_size=3))
ACTIONS = ["nudge", "replace", "delete", "rename", "repeat", "wrap", "swap", "say", "nudge", "replace"]


def fuzz(count):
    """The same examples in every run, without a limit on the time of one."""
    return settings(max_examples=count, derandomize=True, deadline=None, database=None, suppress_health_check=HEALTH)


def places(value):
    """Every (container, key) inside a nest of lists and mappings."""
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    for key, item in items:
        yield value, key
        yield from places(item)


def change(data, value, values):
    """One random change of a nest, in place."""
    container, key = data.draw(st.sampled_from(list(places(value))))
    action = data.draw(st.sampled_from(ACTIONS))
    match action:
        case "nudge" if isinstance(container[key], int | float) and not isinstance(container[key], bool):
            container[key] = data.draw(st.sampled_from([container[key] + 1, container[key] - 1, 2 * container[key]]))
        case "nudge":
            numbers = [p for p in places(value) if type(p[0][p[1]]) in (int, float)]
            other, place = data.draw(st.sampled_from(numbers or [(container, key)]))
            other[place] = data.draw(st.sampled_from([1, 2, 3, 4, 16, 0.5]))
        case "replace":
            container[key] = data.draw(values)
        case "delete":
            del container[key]
        case "rename" if isinstance(container, dict):
            container[data.draw(keys if values is junk else st.text(max_size=5))] = container.pop(key)
        case "repeat" if isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        case "repeat":
            container[f"{key}_again"] = copy.deepcopy(container[key])
        case "wrap":
            container[key] = [container[key]]
        case "swap":
            other, place = data.draw(st.sampled_from(list(places(value))))
            container[key] = copy.deepcopy(other[place])
        case _:
            container[key] = str(container[key])


def assert_sound(experiment):
    """Everything that the workflow derives from a configuration can be derived, and names are names of files."""
    runs = experiment.runs()
    for name, run in runs.items():
        assert NAME.fullmatch(name) and parse_run(json.loads(json.dumps(run.to_json()))) == run
        assert experiment.runs_of(name.split("/")[0])
        recipe = run.recipe
        if run.layers * recipe.width * (4 * recipe.heads * recipe.head_dim + 2 * recipe.hidden_width) < 10**5:
            assert run.transformer().config.depth == run.layers
    for conditions in (experiment.conditions(), experiment.logistic_conditions()):
        assert len(set(conditions.values())) == len(conditions)
    assert all(re.fullmatch(r"\w+", figure) for figure in experiment.config["figures"])


def test_200_configurations():
    counts = Counter()

    @fuzz(200)
    @given(st.data())
    def check(data):
        config = copy.deepcopy(SMOKE)
        for _ in range(data.draw(st.sampled_from([1, 1, 2, 3]))):
            change(data, config, junk)
        try:
            experiment = Experiment.check(config, SCHEMA)
        except ConfigError as error:
            counts["refused"] += 1
            first, *lines = str(error).split("\n")
            assert first.startswith("the configuration has ") and lines and len(lines) <= 51
            assert all(re.match(r"  - .+: expected .+|  - and so on", line) and len(line) < 1500 for line in lines), error
        else:
            counts["accepted"] += 1
            assert_sound(experiment)

    check()
    print(f"\nconfigurations: {dict(counts)}")
    assert counts["refused"] > 100 and counts["accepted"] > 5
    assert Experiment.check(SMOKE, SCHEMA)


def bomb():
    """A short YAML text whose anchors say three thousand million values."""
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join(f'*a{i - 1}' for _ in range(9))}]" for i in range(1, 10)]
    return yaml.safe_load("\n".join(lines))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda c: c.update(figures={"../../evil": c["figures"]["figure10"]}), "figures: expected text like"),
        (lambda c: c["figures"].update({"a\n": c["figures"]["figure10"]}), "figures: expected text like"),
        (lambda c: c["figures"].update({"x" * 61: c["figures"]["figure10"]}), "figures: expected at most 60 letters"),
        (lambda c: c["figures"]["figure10"].update(panels=c["figures"]["figure2"]["panels"]), "expected no panels"),
        (lambda c: c["figures"]["figure2"].update(section="<script>"), "figures.figure2.section: expected one of"),
        (lambda c: c["runs"][0].update(kappa=[10, 10.0000001]), "runs[0].kappa: expected a number of at most six digits"),
        (lambda c: c["constructions"]["conditions"][0].update(kappa=10.0000001), "conditions[0].kappa: expected a number of"),
        (lambda c: c["runs"][0].update(kappa=[1e308]), "runs[0].kappa[0]: expected at most"),
        (lambda c: c["runs"][0].update(layers=[1.0]), "runs[0].layers[0]: expected a value of type integer, found 1.0"),
        (lambda c: c["runs"][0].update(layers=[True]), "runs[0].layers[0]: expected a value of type integer, found True"),
        (lambda c: c["runs"][0].update(layers=[10**9]), "runs[0].layers[0]: expected at most 1000"),
        (lambda c: c["runs"][0].update(seeds=[2**31]), "runs[0].seeds[0]: expected at most 2147483647"),
        (lambda c: c["runs"][0].update(seeds=list(range(1001)), layers=list(range(1, 101))), "expected at most 100000 models"),
        (lambda c: c["runs"][0]["set"].update(warmup=61), "runs[0]: expected warmup to be at most steps, found 61 and 60"),
        (lambda c: c["runs"][0]["set"].update(betas=[0.9, 1]), "runs[0].set.betas[1]: expected less than 1, found 1"),
        (
            lambda c: c["runs"][0].update({"set": {"steps": 16**5000}}),
            "set.steps: expected a number of at most 64 bits",
        ),
        (
            lambda c: c["logistic"]["runs"][0]["set"].update(curriculum=c["recipes"]["paper"]["lsa"]["curriculum"]),
            "logistic.runs[0]: expected curriculum to be null",
        ),
        (lambda c: c["logistic"]["cancer"].update(error=0.5), "logistic.cancer.error: expected at most 0.134 at mu = 0.1"),
        (lambda c: c["logistic"]["runs"][0].update(mu=[1e-6]), "logistic.built.damped_newton.error: expected at most"),
        (lambda c: c["evaluation"].update(probes=5), "evaluation.probes: expected at most one for each of 4 covariances"),
        (lambda c: c.update(algorithms={}), "algorithms: expected at least 1 entries"),
        (lambda c: c["recipes"].update({5: {}}), "recipes: expected keys that are text, found 5"),
        (lambda c: c["recipes"].update({16**5000: {}}), "recipes: expected keys that are text, found a int too large to print"),
        (lambda c: c.update(runs=c), "expected at most 20000 values in 16 levels"),
        (lambda c: c.update(runs=(tuple(bomb().items()),)), "expected at most 20000 values in 16 levels"),
        (lambda c: c.update(bomb()), "expected at most 20000 values in 16 levels"),
        (lambda c: c.update(runs="x" * 10**7), "runs: expected at most 1000 letters"),
    ],
)
def test_a_hostile_configuration_is_refused(edit, message):
    config = copy.deepcopy(SMOKE)
    edit(config)
    with pytest.raises(ConfigError) as error:
        Experiment.check(config, SCHEMA)
    assert message in str(error.value) and len(str(error.value)) < 10**4


@pytest.mark.parametrize("config", [None, [], "text", 5, {}, {1: 2}])
def test_what_is_no_configuration_is_refused(config):
    with pytest.raises(ConfigError, match="expected"):
        Experiment.check(config, SCHEMA)


def learned():
    run = next(run for name, run in Experiment(SMOKE).runs().items() if "softmax_layers2" in name)
    return assemble(run.format, run.transformer(), family="softmax", kind="learned", origin={"run": run.to_json()})


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Saved models as (card, weights, inputs, answer)."""
    x, y = torch.linspace(-0.4, 0.4, 16, dtype=torch.float64).view(1, 8, 2), torch.ones(1, 8, dtype=torch.float64)
    built = [
        (icnewton.build("least_squares", d=2, n=7, steps=2, alpha=0.1), (x, y[:, 1:])),
        (icnewton.build("inverse", d=2, steps=1, symmetric=True, order=3), (x[:, :2], x[:, 2:4])),
        (icnewton.build("damped_newton", d=2, n=8, mu=1.0, steps=2, error=0.05, looped=True), (x, y)),
        (learned(), (x.repeat(1, 1, 3)[..., :5], y)),
    ]
    saved = []
    for model, inputs in built:
        folder = tmp_path_factory.mktemp("model")
        icnewton.save(model, folder)
        saved.append((*((folder / name).read_bytes() for name in ("card.json", "weights.safetensors")), inputs, model(*inputs)))
    return saved


def damage_bytes(data, content, others):
    """Some bytes changed, in the ways in which files go wrong."""
    place = data.draw(st.one_of(st.integers(0, min(len(content), 2000)), st.integers(0, len(content))))
    more = data.draw(st.binary(min_size=1, max_size=9))
    match data.draw(st.sampled_from(["flip", "flip", "cut", "insert", "drop", "write", "append", "random", "other", "zero"])):
        case "flip":
            place = min(place, len(content) - 1)
            return content[:place] + bytes([content[place] ^ 1 << data.draw(st.integers(0, 7))]) + content[place + 1 :]
        case "cut":
            return content[:place]
        case "insert":
            return content[:place] + more + content[place:]
        case "drop":
            return content[:place] + content[place + len(more) :]
        case "write":
            return content[:place] + more + content[place + len(more) :]
        case "append":
            return content + more
        case "random":
            return data.draw(st.binary(max_size=200))
        case "other":
            return data.draw(st.sampled_from(others))
        case _:
            return bytes(len(content))


def header(weights):
    size = struct.unpack("<Q", weights[:8])[0]
    return json.loads(weights[8 : 8 + size]), weights[8 + size :]


def with_header(values, rest):
    text = json.dumps(values).encode()
    return struct.pack("<Q", len(text)) + text + rest


def forge(card, weights):
    """Weights and card that vouch for each other, as a stranger's would."""
    values, rest = header(weights)
    inner = {name: value for name, value in card.items() if name not in ("origin", "weights")}
    forged = with_header(values | {"__metadata__": {"card": json.dumps(inner)}}, rest)
    card = card | {"weights": {"blake2b": hashlib.blake2b(forged, digest_size=16).hexdigest()}}
    return json.dumps(card).encode(), forged


def damage_model(data, card, weights, models):
    """The two files of a model, one of them changed, or both by somebody who knows how they vouch for each other."""
    match data.draw(st.sampled_from(["weights", "card", "values", "values", "header", "forged", "forged", "swapped"])):
        case "weights":
            return card, damage_bytes(data, weights, [m[1] for m in models])
        case "card":
            return damage_bytes(data, card, [m[0] for m in models]), weights
        case "values":
            values = json.loads(card)
            change(data, values, plain)
            return json.dumps(values).encode(), weights
        case "header":
            values, rest = header(weights)
            change(data, values, plain)
            return card, with_header(values, rest)
        case "forged":
            values = json.loads(card)
            change(data, values[data.draw(st.sampled_from(["config", "format"]))], plain)
            return forge(values, weights)
        case _:
            return weights, card


def assert_same_or_foreign(model, original, forged):
    """What was loaded computes what the original does; a stranger's model may compute something else, or refuse the prompt."""
    card, _, inputs, answer = original
    if not forged:
        assert torch.equal(model(*inputs), answer)
        assert json.loads(json.dumps(model.card.to_json() | {"origin": 0})) == json.loads(card) | {"origin": 0}
    elif model.card.depth < 100:
        with suppress(ValueError, RuntimeError, KeyError):  # another d or n, or blocks of another name
            assert isinstance(model(*inputs), torch.Tensor)


def test_200_damaged_models(tmp_path, models):
    counts = Counter()

    @fuzz(200)
    @given(st.data())
    def check(data):
        original = data.draw(st.sampled_from(models))
        card, weights = damage_model(data, *original[:2], models)
        (tmp_path / "card.json").write_bytes(card)
        (tmp_path / "weights.safetensors").write_bytes(weights)
        try:
            model = icnewton.load(tmp_path)
        except ValueError as error:
            assert type(error) is ValueError, repr(error)
            text = str(error).removeprefix(f"{tmp_path}/")
            assert re.fullmatch(r"(card\.json|weights\.safetensors): expected .+(found|but) .+", text), text
            assert len(text) < 800
            counts["refused"] += 1
        else:
            counts["accepted"] += 1
            assert_same_or_foreign(model, original, weights != original[1])

    check()
    print(f"\ndamaged models: {dict(counts)}")
    assert counts["refused"] > 100 and counts["accepted"] > 0


def test_every_changed_byte_of_the_weights_is_refused(tmp_path, models):
    card, weights, _, _ = models[1]
    (tmp_path / "card.json").write_bytes(card)
    spots = [*range(64), *range(64, len(weights), 13)]
    for place in spots:
        changed = bytearray(weights)
        changed[place] ^= 1 << place % 8
        (tmp_path / "weights.safetensors").write_bytes(changed)
        with pytest.raises(ValueError, match=r"weights\.safetensors: expected"):
            icnewton.load(tmp_path)
    print(f"\nchanged bytes: {len(spots)} refused")


def test_every_changed_value_of_the_card_is_refused_save_the_origin(tmp_path, models):
    for card, weights, _, _ in models:
        (tmp_path / "weights.safetensors").write_bytes(weights)
        for index, (container, key) in enumerate(places(json.loads(card))):
            values = json.loads(card)
            container, key = list(places(values))[index]
            if container is values.get("origin") or key == "origin" or "origin" not in values:
                continue
            if any(container is inner or container is values["origin"] for inner, _ in places(values["origin"])):
                continue
            value = container[key]
            container[key] = not value if isinstance(value, bool) else value + 1 if isinstance(value, int | float) else "other"
            (tmp_path / "card.json").write_text(json.dumps(values))
            with pytest.raises(ValueError, match=r"card\.json: expected|weights\.safetensors: expected"):
                icnewton.load(tmp_path)


@pytest.mark.parametrize("name", ["card.json", "weights.safetensors"])
@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "loop", "empty", "nest", "digits", "bytes", "sparse", "pickle"])
def test_what_is_no_file_of_ours_is_refused(tmp_path, models, name, kind):
    """In particular nothing waits for a pipe, reads a device without end, takes memory for a lie or runs a pickle."""
    for file, content in zip(("card.json", "weights.safetensors"), models[0][:2], strict=True):
        (tmp_path / file).write_bytes(content)
    path, trap = tmp_path / name, tmp_path / "trap"
    path.unlink()
    contents = {
        "empty": b"",
        "nest": b"[" * 10**6,
        "digits": b"9" * 5000,
        "bytes": b"\xff\xfe" * 100,
        "pickle": b"cos\nsystem\n(S'touch " + bytes(trap) + b"'\ntR.",
    }
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "loop":
            path.symlink_to(path)
        case "sparse":
            path.touch()
            os.truncate(path, 2**40)
        case _:
            path.write_bytes(contents[kind])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=f"{name}: expected a? ?(model card in JSON|weights in safetensors format), found"):
        icnewton.load(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB
    assert not trap.exists()


@pytest.mark.parametrize("levels", [10, 100, 200, 300, 400, 450, *range(900, 1000, 7)])
def test_a_nest_in_a_card_is_refused_or_kept(tmp_path, models, levels):
    """In the origin, and where the weights hold the card: neither the reader nor the comparison falls through the stack."""
    text, weights = models[0][0].decode(), models[0][1]
    nest = "[" * levels + "]" * levels
    (tmp_path / "card.json").write_text(text.replace('"origin": {', f'"origin": {{"nest": {nest},', 1))
    (tmp_path / "weights.safetensors").write_bytes(weights)
    with suppress(ValueError):
        assert icnewton.load(tmp_path).card.origin["nest"]
    values, rest = header(weights)
    deep = with_header(values | {"__metadata__": {"card": values["__metadata__"]["card"].replace('"T4.2"', nest)}}, rest)
    (tmp_path / "weights.safetensors").write_bytes(deep)
    digest = {"blake2b": hashlib.blake2b(deep, digest_size=16).hexdigest()}
    (tmp_path / "card.json").write_text(json.dumps(json.loads(text) | {"weights": digest}))
    with pytest.raises(ValueError, match="expected"):
        icnewton.load(tmp_path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"depth": 10**9}, "depth must be at most 4096, found 1000000000"),
        ({"loops": 10**9}, "loops must be at most 100000, found 1000000000"),
        ({"loops": 10**5}, r"depth \* loops must be at most 100000, found 2 \* 100000"),
        ({"width": 10**12}, "width must be at most 1048576, found 1000000000000"),
        ({"hidden_width": 10**12}, "hidden_width must be at most 16777216"),
        ({"hidden_width": 2**24, "depth": 100, "width": 2**20}, "blocks must have sizes that add up to the width 1048576"),
        ({"hidden_width": 2**24, "depth": 100}, "bytes of weights, expected at most 8589934592"),
        ({"heads": -1}, "heads must be at least 1, found -1"),
        ({"scale": float("nan")}, "scale must be float, found nan"),
        ({"scale": 10**40}, "scale must be float, found 1000"),
        ({"layer_norm": 1}, "layer_norm must be bool, found 1"),
        ({"depth": True}, "depth must be int, found True"),
        ({"depth": 2.0}, "depth must be int, found 2.0"),
        ({"attention": "exec"}, r"attention must be typing.Literal\['linear', 'softmax'\], found 'exec'"),
        ({"query_as_key": None}, "query_as_key must be bool, found None"),
        ({"x" * 10**5: 1}, "TransformerConfig has no 'xxx"),
    ],
)
def test_a_card_that_asks_for_too_much_is_refused_before_memory_is_taken(tmp_path, config, message):
    model = learned()
    icnewton.save(model, tmp_path)
    values = json.loads((tmp_path / "card.json").read_text())
    values["config"] |= config
    card, weights = forge(values, (tmp_path / "weights.safetensors").read_bytes())
    (tmp_path / "card.json").write_bytes(card)
    (tmp_path / "weights.safetensors").write_bytes(weights)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=f"card.json: expected a model card of this package, but .*{message}") as error:
        icnewton.load(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000 and len(str(error.value)) < 800


def test_100_damaged_checkpoints(tmp_path, tiny_run):
    run, path, counts = parse_run(tiny_run), tmp_path / "checkpoint.safetensors", Counter()
    state = start(run, "cpu")
    advance(run, state)
    save_checkpoint(path, state, [(1.0, 1.0, 1.0, 1.0, 1.0)], run, "x")
    content = path.read_bytes()

    @fuzz(100)
    @given(st.data())
    def check(data):
        if data.draw(st.booleans()):
            values, rest = header(content)
            change(data, values, plain)
            path.write_bytes(with_header(values, rest))
        else:
            path.write_bytes(damage_bytes(data, content, [b"{}"]))
        fresh = start(run, "cpu")
        try:
            log = load_checkpoint(path, fresh, run, "x")
        except ValueError as error:
            assert type(error) is ValueError and str(error).startswith(str(path)) and len(str(error)) < 1000
            counts["refused"] += 1
        else:
            counts["accepted"] += 1
            assert log == [(1.0,) * 5] and fresh.step == 1
            weights = fresh.transformer.state_dict()
            assert all(torch.equal(weight, weights[name]) for name, weight in state.transformer.state_dict().items())

    check()
    print(f"\ndamaged checkpoints: {dict(counts)}")
    assert counts["refused"] > 50


WATCHED = """
import sys
from pathlib import Path
folder, phase = Path(sys.argv[1]), ["network"]
NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind", "urllib.Request")
CODE = ("compile", "exec", "import", "pickle.find_class", "os.system", "os.exec", "subprocess.Popen", "ctypes.dlopen")
def watch(event, arguments):
    if event in NETWORK or (phase[0] == "code" and event in CODE):
        print("CAUGHT", event, arguments, flush=True)
        raise RuntimeError(event)
sys.addaudithook(watch)
import json, torch, icnewton
from icnewton.cancer import breast_cancer
from icnewton.diabetes import load_diabetes
from icnewton.experiment import parse_run
from icnewton.training.loop import train
torch.set_num_threads(1)
icnewton.save(icnewton.build("least_squares", d=2, n=5, steps=1, alpha=0.1), folder / "built")
model, *_ = train(parse_run(json.loads(sys.argv[2])), checkpoint=folder / "c", code="x", say=lambda line: None)
icnewton.save(model, folder / "learned")
breast_cancer(), load_diabetes()
icnewton.load(folder / "learned")  # whatever is imported at first use
phase[0] = "code"
for name in ("built", "learned"):
    icnewton.load(folder / name)
print("QUIET", flush=True)
phase[0] = "network"
"""


def test_no_network_at_run_time_and_no_code_in_weights(tmp_path, tiny_run):
    """Python's audit events: nothing connects or looks up a host, and loading imports, compiles, starts, unpickles nothing."""
    short = tiny_run | {"recipe": tiny_run["recipe"] | {"steps": 3, "warmup": 1}}
    command = [sys.executable, "-c", WATCHED, str(tmp_path), json.dumps(short)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert "CAUGHT" not in result.stdout and result.stdout.endswith("QUIET\n"), result.stdout + result.stderr


FOREIGN = re.compile(r"\bfetch_|urllib|import requests|http\.client|torch\.hub|(?<!safetensors\.)torch\.load|import pickle")


def test_data_comes_with_the_packages():
    sources = [*Path("src").rglob("*.py"), *Path("workflow").rglob("*.py"), *Path("workflow").rglob("*.smk"), Path("Snakefile")]
    assert not [path for path in sources if FOREIGN.search(path.read_text())]


BASE = Path("config.yaml").read_text()
TEXTS_OF_CONFIG = {
    "empty": b"",
    "a list": b"- scale: smoke\n",
    "a word": b"smoke\n",
    "a tab": BASE.replace("device: auto", "\tdevice: auto"),
    "cut in a list": BASE[: BASE.index("[0, 1, 2, 3, 4, 5, 6]") + 9],
    "cut in half": BASE[: len(BASE) // 2],
    "a key twice": BASE + "\nproblem: {d: 3}\n",
    "an unknown anchor": BASE.replace("<<: *fast, steps: 2000", "<<: *slow, steps: 2000"),
    "a mapping that holds itself": BASE.replace("problem: {d: 10", "problem: &p {p: *p, d: 10"),
    "anchors of anchors": BASE + "\nruns: [&a0 [1]" + "".join(f", &a{i} [{f'*a{i - 1}, ' * 9}]" for i in range(1, 9)) + "]",
    "mappings of mappings": BASE
    + "\nm0: &m0 {}\n"
    + "\n".join(f"m{i}: &m{i} {{a: *m{i - 1}, b: *m{i - 1}}}" for i in range(1, 60)),
    "binary": bytes(range(256)) * 9,
    "a nul": BASE.replace("auto", "a\0to"),
    "latin-1": (BASE + "\nfigures: {é: 1}\n").encode("latin-1"),
    "a python object": BASE.replace("device: auto", "device: !!python/object/apply:os.system [touch trap]"),
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
    "an evil figure": BASE + "\nfigures: {../../evil: {kind: built_decrease, section: 6. Beyond the paper}}\n",
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
        result = subprocess.run(command, cwd=folder, env=environment_of(folder), capture_output=True, text=True, timeout=90)
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
