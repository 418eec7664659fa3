"""A checkout runs its own code, wherever it lies and wherever Snakemake is called."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import RESULTS, ROOT, clone, environment_of, make, snakemake
from workflow import environment

SMALL = RESULTS / "measurements/decrease.parquet"
STATUS = [sys.executable, "-m", "workflow.status", "smoke"]
SNAKEMAKE = ["-m", "snakemake", "--config", "scale=smoke"]
PLAN = [sys.executable, *SNAKEMAKE, "-n"]


def run(command, folder, **variables):
    variables = environment_of(folder) | variables
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    [STATUS, PLAN, [sys.executable, "-m", "bench.run"]],
    ids=["status", "snakemake", "bench"],
)
def test_another_checkouts_package_is_refused_in_one_sentence(tmp_path, command):
    folder = clone(tmp_path / "copy")
    result = run(command, folder, PYTHONPATH=str(ROOT / "src"))
    assert result.returncode == 1 and "Traceback" not in result.stderr
    own, found = folder / "src/icnewton", ROOT / "src/icnewton"
    sentence = f"icnewton: expected this checkout's {own}, found {found}; make runs the right one\n"
    assert result.stderr.endswith(sentence)


@pytest.mark.parametrize("name", ["a:b", "a\nb"])
def test_a_path_that_cannot_work_is_refused_before_anything_is_installed(tmp_path, name):
    folder = clone(tmp_path / name)
    result = run([sys.executable, "-m", "workflow.environment", ".venv"], folder)
    assert result.returncode == 1 and not (folder / ".venv").exists()
    sentence = f"checkout: expected a path without colon or line break, found {str(folder)!r}\n"
    assert result.stderr == sentence


ODD = ["it's a test", 'a `b` $HOME "c" \\d & {e} [f]*? #g%41']


@pytest.mark.parametrize("name", ODD)
def test_other_paths_work(tmp_path, name):
    folder = clone(tmp_path / name)
    (folder / ".venv").symlink_to(sys.prefix)
    result = run([folder / ".venv/bin/python", *SNAKEMAKE, "--", SMALL], folder)
    assert result.returncode == 0 and (folder / SMALL).exists(), result.stderr


@pytest.mark.parametrize("name", ODD)
def test_make_works_in_other_paths(tmp_path, name):
    folder = clone(tmp_path / name)
    (folder / ".venv").symlink_to(sys.prefix)
    result = make(folder, "reproduce", "SCALE=smoke", f"ARGS={SMALL}")
    assert result.returncode == 0 and (folder / SMALL).exists(), result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_a_whole_run_in_another_path_ends_with_its_article(tmp_path, name):
    folder = clone(tmp_path / name)
    (folder / ".venv").symlink_to(sys.prefix)
    result = make(folder, "reproduce", "SCALE=smoke")
    assert result.returncode == 0, result.stderr
    article = folder / "results/smoke/index.html"
    assert result.stdout.endswith(f"{article}\n") and article.stat().st_size > 10**6
    assert make(folder, "verify", "SCALE=smoke").returncode == 0


@pytest.mark.parametrize("name", ODD)
def test_results_lie_in_the_directory_that_snakemake_is_given(tmp_path, name):
    folder, directory = clone(tmp_path / "clone"), tmp_path / name
    command = [sys.executable, *SNAKEMAKE, "--directory", directory, "--", SMALL]
    result = run(command, folder)
    assert result.returncode == 0 and (directory / SMALL).exists(), result.stderr
    assert not (folder / "results").exists()


def test_snakemake_works_from_another_folder(tmp_path, finished):
    here, there = finished[0], tmp_path / "there"
    there.mkdir()
    command = [sys.executable, *SNAKEMAKE, "-s", here / "Snakefile", "--", SMALL]
    result = run(command, there, PYTHONPATH=str(here / "src"))
    assert result.returncode == 0, result.stderr
    record = RESULTS / "records/measurements/decrease.json"
    ours, theirs = (
        json.loads((folder / record).read_text(encoding="utf-8")) for folder in (there, here)
    )
    assert all(ours[key] == theirs[key] for key in ("params", "outputs", "commit"))


def test_a_working_directory_finds_configuration_and_released_models(tmp_path):
    folder = clone(tmp_path / "clone")
    released, directory = tmp_path / "clone/released", tmp_path / "directory"

    def planned():
        arguments = ["-n", "--directory", str(directory)]
        plan = snakemake(folder, *arguments, scale="paper", training="none")
        assert plan.returncode == 0, plan.stderr
        return plan.stdout

    assert "evaluate_learned" in planned()
    shutil.rmtree(released)
    assert "evaluate_learned" not in planned()


def commit_of(folder):
    spec = importlib.util.spec_from_file_location("job", folder / "workflow/scripts/job.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.commit()


def test_the_commit_is_that_of_the_checkout(tmp_path, monkeypatch):
    def git(*words):
        names = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
        command = ["git", *names, *words]
        return subprocess.check_output(command, cwd=tmp_path, encoding="utf-8").strip()

    git("init")
    git("commit", "--allow-empty", "-m", "around it")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    monkeypatch.chdir(tmp_path)
    folder = clone(tmp_path / "clone")
    assert commit_of(folder) == "not a git checkout"
    (tmp_path / ".git").rename(folder / ".git")
    described = git(f"--git-dir={folder}/.git", "describe", "--always", "--abbrev=12")
    assert commit_of(folder) == described


@pytest.fixture
def made(tmp_path):
    """An environment as make makes it, with an empty pip and no other packages."""
    folder = tmp_path / "made"
    subprocess.run(
        [sys.executable, "-m", "venv", "--prompt", environment.PROMPT, "--without-pip", folder],
        check=True,
    )
    next(folder.glob("lib/python*/site-packages")).joinpath("pip.py").touch()
    (folder / environment.STAMP).write_text(f"{folder}\n", encoding="utf-8")
    return folder


def test_an_environment_is_whole_only_where_it_was_made(made, tmp_path):
    copy, moved, link = (tmp_path / name for name in ("copy", "moved", "link"))
    shutil.copytree(made, copy, symlinks=True)
    link.symlink_to(made)
    assert environment.is_whole(made) and environment.is_whole(link)
    assert not environment.is_whole(copy)
    made.rename(moved)
    assert not environment.is_whole(moved)
    for folder in (copy, moved):
        environment.clear(folder)
        assert not folder.exists()


def test_a_stamp_that_is_no_text_is_of_another_place(made):
    (made / environment.STAMP).write_bytes(b"/caf\xe9\n")
    assert not environment.is_whole(made) and environment.is_ours(made)


def test_an_environment_without_its_python_is_made_anew(made):
    (made / "bin/python").unlink()
    (made / "bin/python").symlink_to("/nowhere/python")
    environment.clear(made)
    assert not made.exists()


def test_an_installation_that_was_interrupted_is_made_anew(made):
    (made / environment.STAMP).unlink()
    environment.clear(made)
    assert not made.exists()


def test_only_the_link_to_a_stale_environment_goes(made, tmp_path):
    (made / environment.STAMP).write_text("/elsewhere\n", encoding="utf-8")
    link = tmp_path / "link"
    link.symlink_to(made)
    environment.clear(link)
    assert not os.path.lexists(link) and made.exists()


@pytest.mark.parametrize("kind", ["folder", "environment", "file", "dangling"])
def test_what_make_did_not_make_is_left_alone(tmp_path, kind):
    folder = tmp_path / "foreign"
    if kind == "environment":
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    elif kind == "folder":
        (folder / "installed").mkdir(parents=True)
    elif kind == "file":
        folder.write_text("mine", encoding="utf-8")
    else:
        folder.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="VENV: expected a place for make's own"):
        environment.clear(folder)
    assert os.path.lexists(folder)


def test_settings_of_pip_decide_where_packages_come_from_and_nothing_else(made, monkeypatch):
    commands = []
    for name in ("USER", "TARGET", "PREFIX", "DRY_RUN", "CONSTRAINT"):
        monkeypatch.setenv(f"PIP_{name}", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example")
    monkeypatch.setattr(environment, "is_whole", lambda folder: True)

    def note(words, env=None, **_):
        commands.append((words, env or {}))

    monkeypatch.setattr(subprocess, "run", note)
    environment.install(made)
    installations = [variables for words, variables in commands if "pip" in words]
    found = {name for variables in installations for name in variables if name.startswith("PIP_")}
    assert "PIP_INDEX_URL" in found and found <= environment.KEPT


@pytest.mark.slow
def test_a_copied_checkout_and_a_moved_one_run_their_own_code(tmp_path):
    """With environments that are really installed, three times."""

    def status(folder):
        result = make(folder, "status", "SCALE=smoke", trusted=False)
        assert result.returncode == 0, result.stderr
        return result.stdout

    first, copy, moved = clone(tmp_path / "first"), tmp_path / "a copy", tmp_path / "it's moved"
    status(first)
    assert snakemake(first, "--", str(SMALL)).returncode == 0
    shutil.copytree(first, copy, symlinks=True)
    module = copy / "src/icnewton/theory/decrease.py"
    module.write_text(
        module.read_text(encoding="utf-8").replace("import", "ONE = 1\nimport", 1), encoding="utf-8"
    )
    words = ".venv: copied, moved or never finished; it is made anew\n"
    assert "measure decrease: its code changed" in (said := status(copy)) and said.startswith(words)
    assert (copy / ".venv/installed").read_text(
        encoding="utf-8"
    ) == f"{copy}/.venv\n" and words not in status(copy)
    first.rename(moved)
    assert "its code changed" not in (said := status(moved)) and said.startswith(words)
    assert Path(moved / ".venv/installed").read_text(encoding="utf-8") == f"{moved}/.venv\n"
