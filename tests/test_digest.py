"""The digest of a stage's code follows imports and ignores comments."""

import shutil

import pytest

from icnewton import digest as module


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package that a test may edit."""
    copy = tmp_path / "icnewton"
    shutil.copytree(module.PACKAGE, copy)
    monkeypatch.setattr(module, "PACKAGE", copy)

    def fresh(*names):
        for cached in (
            module.digest,
            module.reached,
            module._tree,
            module._imports,
            module._meaning,
        ):
            cached.cache_clear()
        return module.digest(*names)

    yield copy, fresh
    fresh("icnewton.models.stream")


def test_an_edit_changes_exactly_the_stages_that_import_it(package):
    copy, digest = package
    stages = (
        "icnewton.problems.linear",
        "icnewton.training.loop",
        "icnewton.figures.curves",
        "icnewton.constructions",
    )
    before = {stage: digest(stage) for stage in stages}
    path = copy / "training" / "schedule.py"
    path.write_text(
        path.read_text(encoding="utf-8").replace("0.5 *", "0.25 * 2 *"), encoding="utf-8"
    )
    after = {stage: digest(stage) for stage in stages}
    assert [stage for stage in stages if before[stage] != after[stage]] == [
        "icnewton.training.loop"
    ]
    path = copy / "problems/linear.py"
    path.write_text(
        path.read_text(encoding="utf-8").replace("clean[:, :-1]", "0 + clean[:, :-1]"),
        encoding="utf-8",
    )
    # no training imports a problem: whoever trains names it
    changed = [stage for stage in stages if digest(stage) != after[stage]]
    assert changed == ["icnewton.problems.linear"]
    both = ("icnewton.training.loop", "icnewton.problems.linear")
    assert digest(*both) != digest("icnewton.training.loop")


def test_comments_and_docstrings_do_not_count(package):
    copy, digest = package
    before = digest("icnewton.problems.linear")
    path = copy / "problems/linear.py"
    text = (
        path.read_text(encoding="utf-8")
        .replace("Where linear", "Just where linear")
        .replace("A batch of prompts.", "Prompts!")
    )
    path.write_text(f"# a remark\n{text}", encoding="utf-8")
    assert digest("icnewton.problems.linear") == before


def test_imports_for_type_checkers_do_not_count(package):
    copy, digest = package
    before = digest("icnewton.training.loop")
    path = copy / "domains" / "learned.py"
    path.write_text(path.read_text(encoding="utf-8") + "\nONE = 1\n", encoding="utf-8")
    assert "icnewton.domains" in (copy / "models/model.py").read_text(encoding="utf-8")
    assert digest("icnewton.training.loop") == before


def test_a_foreign_module_is_refused():
    with pytest.raises(
        ValueError, match=r"expected a module of icnewton, found 'icnewton\.nothing'"
    ):
        module.digest("icnewton.nothing")
