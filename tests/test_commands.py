"""The command ``icnewton``: it answers at once, tells what is wrong in a sentence, and keeps its
word.
"""

import json
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from conftest import ROOT, environment_of

import icnewton
from icnewton.commands import COMMANDS
from icnewton.commands.parts.model import find, parse_settings
from icnewton.commands.parts.prompt import read_prompt

RELEASED = "normalised_kappa10_noise0/lsa_layers2_seed0"
ENCODER = "bounded_kappa10_mu0.001/softmax_layers1_seed0"
BUILT = "least_squares:d=3,n=12,steps=4"
LIGHT = """
import sys
from icnewton.commands import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0, end.code
heavy = {"torch", "pandas", "numpy", "matplotlib", "snakemake"} & set(sys.modules)
assert not heavy, heavy
"""


def in_shell(folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "icnewton", *map(str, words)],
        cwd=folder, env=environment_of(ROOT), capture_output=True, encoding="utf-8",
    )  # fmt: skip


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_nothing_heavy(words):
    command = [sys.executable, "-c", LIGHT, *words]
    result = subprocess.run(
        command, env=environment_of(ROOT), capture_output=True, encoding="utf-8"
    )
    assert result.returncode == 0, result.stderr
    named = list(COMMANDS) if len(words) == 1 else ["examples:", f"icnewton {words[0]} "]
    assert all(name in result.stdout for name in named)


@pytest.mark.parametrize(
    "words, code, sentence",
    [
        ([], 2, "arguments are required: COMMAND"),
        (["evaluate"], 2, "invalid choice: 'evaluate'"),
        (["eval"], 2, "arguments are required: MODEL"),
        (["eval", RELEASED, "--kappa", "x"], 2, "invalid float value: 'x'"),
        (["eval", RELEASED, "--prompts", "0"], 1, "--prompts: expected 1 to 1000000, found 0"),
        (["eval", RELEASED, "--mu", "1"], 1, "condition must have only the keys"),
        (["eval", RELEASED, "--kappa", "0"], 1, "kappa must be a number from 1"),
        (["eval", "nowhere"], 1, "nowhere/card.json: expected a model card"),
        (["eval", "newton:d=3"], 1, "MODEL: expected one of damped_newton, gdpp, inverse"),
        (["eval", "least_squares:d"], 1, "MODEL: expected settings such as d=3,n=12, found 'd'"),
        (["eval", "least_squares:d=3"], 1, "expected the setting steps among d, n, steps"),
        (["eval", "least_squares:steps=2,colour=1"], 1, "expected only the settings d, n"),
        (["eval", "inverse:d=3,steps=2,symmetric=true"], 1, "which takes A, X0"),
        (["trace", ""], 1, "FILE: expected a file such as results/laptop/claims/claims.csv"),
        (["trace", "README.md"], 1, "README.md: expected a file in a folder of results"),
        (["verify", "results/none"], 1, "results/none: expected results of make reproduce"),
        (["models", "nothing"], 1, "expected words of a released model's name, found nothing"),
        (["train", "lsax", "--layers", "1", "-o", "x"], 1, "family: expected one of "),
        (["crate", "results/none", "-o", "x"], 1, "expected results that are whole, found none"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(asked, monkeypatch, words, code, sentence):
    monkeypatch.chdir(ROOT)
    found, _, complaint = asked(*words)
    assert found == code and sentence in complaint
    assert len(complaint.strip().splitlines()) == 1


def test_outside_a_checkout_status_says_so(tmp_path):
    result = in_shell(tmp_path, "status")
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert result.stderr.startswith("status: expected to run in a checkout of icnewton")


def test_a_broken_pipe_ends_quietly():
    words = f"{sys.executable} -m icnewton models | head -1"
    result = subprocess.run(
        words, shell=True, env=environment_of(ROOT), capture_output=True, encoding="utf-8"
    )
    assert result.stdout.startswith("model ") and result.stderr == ""


# -- eval


def test_eval_gives_the_errors_of_the_model_on_the_same_prompts(asked):
    code, said, _ = asked("eval", RELEASED, "--kappa", 20, "--prompts", 64, "--json")
    found = json.loads(said)
    assert code == 0 and found["condition"]["kappa"] == 20 and found["condition"]["n"] == 50
    prompts = icnewton.sample(kappa=20, prompts=64)
    errors = icnewton.load(RELEASED).error(prompts)
    row = found["rows"][0]
    assert row["method"] == "model" and row["layers"] == 2
    assert row["mean"] == pytest.approx(errors.mean().item())
    assert row["median"] == pytest.approx(errors.quantile(0.5).item(), rel=1e-9)
    low, high = row["mean_interval"]
    assert low < row["mean"] < high
    assert [(r["method"], r["steps"]) for r in found["rows"]] == [
        ("model", 2), ("newton3", 2), ("gradient_descent", 2),
    ]  # fmt: skip


def test_eval_tells_whether_prompts_are_inside_the_domain(asked):
    inside = asked("eval", RELEASED, "--prompts", 32)[1]
    outside = asked("eval", RELEASED, "--prompts", 32, "--n", 20)[1]
    assert "Inside the model's domain." in inside
    assert "Outside its domain: all prompts lie outside this model's training: n = 20" in outside
    assert re.search(r"^Newton, order 3, 2 steps +5 ", inside, re.MULTILINE)


def test_eval_compares_logistic_models_with_damped_newton(asked):
    found = json.loads(asked("eval", ENCODER, "--prompts", 32, "--json")[1])
    assert found["condition"]["mu"] == 0.001
    assert {row["method"] for row in found["rows"]} == {
        "model", "damped_newton", "logistic_gradient_descent",
    }  # fmt: skip
    assert {row["measure"] for row in found["rows"]} == {"loss", "excess", "distance"}


def test_a_model_whose_training_diverged_has_infinite_errors(asked, tmp_path):
    recipe = icnewton.Recipe.named("fast", steps=3, warmup=1, width=8, heads=1, head_dim=8)
    model = icnewton.train("lsa", layers=1, recipe=recipe, d=3, n=9)
    model.card.origin["diverged"] = "mean loss inf in the steps up to 3"
    icnewton.save(model, tmp_path / "m")
    _, said, _ = asked("eval", tmp_path / "m", "--prompts", 8)
    assert "Its training diverged: mean loss inf" in said and re.search("this model +1 +inf", said)
    found = json.loads(asked("eval", tmp_path / "m", "--prompts", 8, "--json")[1])
    assert found["rows"][0]["median"] is None


# -- MODEL


def test_a_construction_takes_constants_that_suit_its_prompts():
    suited, told = find(f"{BUILT},kappa=20"), find(f"{BUILT},alpha=1e-4")
    assert suited.condition.kappa == 20 and suited.condition.n == 12
    assert told.model.card.origin["alpha"] == 1e-4 != suited.model.card.origin["alpha"]
    chebyshev = find("least_squares:d=3,n=12,steps=4,step=chebyshev,spectrum=2..300")
    assert chebyshev.model.card.origin["spectrum"] == [2, 300]
    assert find("gdpp:d=3,steps=2,scalars=minimax").condition.n == 50
    logistic = find("damped_newton:steps=2,mu=0.1,error=1e-2,d=3,n=9")
    assert (logistic.condition.protocol, logistic.condition.d) == ("bounded", 3)


def test_settings_are_read_as_their_kinds():
    assert parse_settings("d=3,alpha=1e-4,looped=true,step=chebyshev,spectrum=2..3.5") == {
        "d": 3, "alpha": 1e-4, "looped": True, "step": "chebyshev", "spectrum": [2, 3.5],
    }  # fmt: skip


# -- prompts in CSV


def written(tmp_path, text):
    path = tmp_path / "real.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("header", ["", "age,weight,y\n", "\ufeffage,weight,y\n"])
def test_a_prompt_is_read_with_and_without_a_header(tmp_path, header):
    path = written(tmp_path, f"{header}1,2,3\n4,5,6\n\n7,8,\n")
    x, y = read_prompt(path, "linear", 2)
    assert x.tolist() == [[[1, 2], [4, 5], [7, 8]]] and y.tolist() == [[3, 6]]
    assert x.dtype == y.dtype == torch.float64


def test_two_labels_become_signs(tmp_path):
    for low, high in (("-1", "1"), ("0", "10"), ("benign", "malignant")):
        path = written(tmp_path, f"1,2,{high}\n3,4,{low}\n")
        x, y = read_prompt(path, "logistic", 2)
        assert x.shape == (1, 2, 2) and y.tolist() == [[1, -1]]


@pytest.mark.parametrize(
    "problem, text, sentence",
    [
        ("linear", "", "expected a row for each example, found none"),
        ("linear", "a,b,y\n", "expected a row for each example, found none"),
        ("linear", "1,2,3\n4,5,6\n", "an empty y in the last row, the query, found '6'"),
        ("linear", "4,5,\n", "expected examples before the query, found none"),
        ("linear", "1,2,3\n4,\n", "2 columns of x and one of y, as the model has d = 2, found 2"),
        ("linear", "1,2,3\n1,x,3\n4,5,\n", "expected a finite number in row 2, found 'x'"),
        ("linear", "1,2,\n4,5,\n", "expected a finite number in row 1, found an empty cell"),
        ("linear", "1,nan,3\n4,5,\n", "expected a finite number in row 1, found 'nan'"),
        ("logistic", "1,2,1\n4,5,\n", "a label in every row, as logistic prompts have no query"),
        ("logistic", "1,2,1\n4,5,1\n", "expected two values of y, found 1: 1.0"),
        ("logistic", "1,2,1\n4,5,2\n3,3,3\n", "expected two values of y, found 3: 1.0, 2.0, 3.0"),
    ],
)
def test_a_wrong_prompt_is_told(tmp_path, problem, text, sentence):
    path = written(tmp_path, text)
    with pytest.raises(ValueError, match=re.escape(sentence)) as told:
        read_prompt(path, problem, 2)
    assert str(told.value).startswith(f"{path}: ")


@pytest.fixture
def walk(monkeypatch):
    """What a stand-in for the page was given."""
    given = []

    def page(model, x, y):
        given.append((model, x, y))
        return "<!doctype html>"

    stand_in = SimpleNamespace(page=page)
    monkeypatch.setitem(sys.modules, "icnewton.inside.walk", stand_in)
    return given


def test_explain_hands_over_a_prompt_of_a_file_or_a_drawn_one(asked, tmp_path, walk):
    page, rows = tmp_path / "page.html", "".join(f"{i},{i % 3},1,{i}\n" for i in range(12))
    csv = written(tmp_path, f"{rows}1,2,3,\n")
    code, said, _ = asked("explain", BUILT, "--prompt", csv, "-o", page)
    assert code == 0 and page.read_text(encoding="utf-8") == "<!doctype html>"
    assert said.startswith(f"{page}\n") and "outside the model's domain" in said
    assert walk[-1][1].shape == (1, 13, 3) and walk[-1][2].shape == (1, 12)
    assert asked("explain", ENCODER, "-o", page, "--seed", 3)[0] == 0
    assert walk[-1][1].shape == (1, 26, 5)
    assert torch.equal(
        walk[-1][1], icnewton.sample("logistic", protocol="bounded", mu=0.001, prompts=1, seed=3).x
    )
    short = written(tmp_path, "1,2,3,1\n1,2,3,\n")
    code, _, complaint = asked("explain", BUILT, "--prompt", short, "-o", page)
    assert code == 1 and "found (1, 2, 3)" in complaint
    code, _, complaint = asked("explain", BUILT, "-o", tmp_path)
    assert code == 1 and complaint.endswith("expected the name of a page to write, found a folder")


def test_the_pages_are_written(asked, tmp_path):
    for words in (["explain", "least_squares:d=2,n=5,steps=1"], ["explorer"]):
        assert asked(*words, "-o", tmp_path / "page.html")[0] == 0
        page = (tmp_path / "page.html").read_text(encoding="utf-8")
        assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
