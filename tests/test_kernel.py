"""The compiled kernel: a damaged one is made again, one that cannot be kept is made for the day,
and none at all is said.
"""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from icnewton.training.fast import kernel

pytestmark = pytest.mark.skipif(kernel.compiled() is None, reason="no C compiler")


def load():
    """The path of the library that is loaded now, whatever was loaded before."""
    library = kernel.compiled.__wrapped__()
    return library and library.linear_forward and Path(library._name)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "icnewton"


@pytest.mark.parametrize("damage", ["emptied", "cut short", "one bit changed", "another file"])
def test_a_damaged_library_is_made_again(cache, damage):
    library = load()
    whole = library.read_bytes()
    flipped = whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:]
    damaged = {
        "emptied": b"",
        "cut short": whole[:9000],
        "one bit changed": flipped,
        "another file": b"nothing of ours",
    }
    library.unlink()  # the one that is loaded stays as it is
    library.write_bytes(damaged[damage])
    assert load() == library and library.read_bytes() == whole


def test_a_library_is_not_made_again_without_need(cache, monkeypatch):
    library = load()
    monkeypatch.setattr(kernel, "_compile", None)
    assert load() == library and list(cache.iterdir()) == [library]


@pytest.mark.parametrize(
    "home", [{"XDG_CACHE_HOME": "/dev/null"}, {"XDG_CACHE_HOME": "", "HOME": "/dev/null"}]
)
def test_a_library_that_cannot_be_kept_is_made_for_one_process(monkeypatch, home):
    for name, value in home.items():
        monkeypatch.setenv(name, value)
    assert load().name == "layers.so"


def test_a_folder_in_its_place_is_left_alone(cache):
    library = load()
    library.unlink()
    library.mkdir()
    assert load().name == "layers.so" and library.is_dir()


def test_a_user_without_a_home_has_no_cache(monkeypatch):
    def none():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(kernel.Path, "home", none)
    assert load().name == "layers.so"


def test_processes_that_make_it_at_once_do_not_disturb_each_other(cache):
    command = [
        sys.executable,
        "-c",
        "from icnewton.training.fast.kernel import compiled; print(compiled()._name)",
    ]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") for _ in range(3)
    ]
    assert {process.communicate()[0].strip() for process in processes} == {
        str(path) for path in cache.iterdir()
    }


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (None, "no such command"),
        ("echo 'linear.c: error: no room' >&2; exit 1", "linear.c: error: no room"),
        ("sleep 100", "no answer within 0.5 s"),
        ("exit 0", "layers.so"),
    ],
)
def test_training_without_it_says_why(tmp_path, monkeypatch, script, reason):
    compiler = tmp_path / "compiler"
    if script:
        compiler.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        compiler.chmod(0o755)
    monkeypatch.setenv("ICNEWTON_COMPILER", str(compiler))
    monkeypatch.setattr(kernel, "PATIENCE", 0.5)
    begun = time.monotonic()
    with pytest.warns(
        RuntimeWarning,
        match=f"expected a C compiler .*, found '{compiler}': .*{reason}.*more slowly",
    ):
        assert load() is None
    assert time.monotonic() - begun < 10
