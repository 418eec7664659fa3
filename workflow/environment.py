"""The environment of `make`: requirements.lock and this checkout, in a folder of their own.

`make docs` adds requirements-docs.lock to it, which its file ``docs`` notes.
Its file ``installed`` holds the place where it was made. If the environment was copied or moved
with its checkout, it is made anew: its scripts and its icnewton would be those of the other place.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

STAMP, DOCS, CONFIGURATION = "installed", "docs", "pyvenv.cfg"
PROMPT = "icnewton"  # it marks our environments in pyvenv.cfg before they are whole
# pip's settings that say where packages come from; the others change what is installed, or where
INDEX = ("INDEX_URL", "EXTRA_INDEX_URL", "NO_INDEX", "FIND_LINKS", "TRUSTED_HOST", "CONFIG_FILE")
NETWORK = ("CERT", "CLIENT_CERT", "PROXY", "TIMEOUT", "DEFAULT_TIMEOUT", "RETRIES")
CACHE = ("CACHE_DIR", "NO_CACHE_DIR", "KEYRING_PROVIDER")
KEPT = {f"PIP_{name}" for name in (*INDEX, *NETWORK, *CACHE)}


def place(folder: Path) -> bytes:
    """What the stamp of an environment in this folder says, as bytes: a path may be no text."""
    return os.fsencode(folder.resolve()) + b"\n"


def is_whole(folder: Path) -> bool:
    """Whether an environment was made where it is, and still has its Python."""
    stamp, python = folder / STAMP, folder / "bin/python"
    if not stamp.is_file() or stamp.read_bytes() != place(folder) or not python.exists():
        return False
    alive = subprocess.run([python, "-Ic", "import pip"], stderr=subprocess.DEVNULL)
    return alive.returncode == 0


def is_ours(folder: Path) -> bool:
    """Whether `make` made an environment, or began to."""
    configuration = folder / CONFIGURATION
    if not configuration.is_file():
        return False
    lines = configuration.read_text(encoding="utf-8", errors="replace").splitlines()
    return (folder / STAMP).is_file() or f"prompt = '{PROMPT}'" in lines


def clear(folder: Path) -> None:
    """Make room for an environment; one that is whole stays.

    Raises ValueError if something is there that `make` did not make.
    """
    empty = folder.is_dir() and not any(folder.iterdir())
    if empty or not os.path.lexists(folder) or is_whole(folder):
        return
    if not is_ours(folder):
        found = f"{folder}, which make did not make"
        raise ValueError(f"VENV: expected a place for make's own environment, found {found}")
    print(f"{folder}: copied, moved or never finished; it is made anew", flush=True)
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder)


def pip_install(folder: Path, *words: str) -> None:
    """Let the pip of an environment install something; raises CalledProcessError if that fails."""
    inherited = os.environ.items()
    variables = {k: v for k, v in inherited if k in KEPT or not k.startswith("PIP_")}
    pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *words], env=variables, check=True)


def install(folder: Path) -> None:
    """Install requirements.lock and this checkout; raises CalledProcessError if that fails."""
    if not is_whole(folder):
        subprocess.run([sys.executable, "-m", "venv", "--prompt", PROMPT, folder], check=True)
    (folder / STAMP).unlink(missing_ok=True)
    pip_install(folder, "--no-compile", "-r", "requirements.lock")
    pip_install(folder, "--no-deps", "-e", ".")
    # settings in pip's own files may have installed them elsewhere
    subprocess.run([folder / "bin/python", "-Ic", "import icnewton, snakemake, torch"], check=True)
    (folder / STAMP).write_bytes(place(folder))


def install_docs(folder: Path) -> None:
    """Install requirements-docs.lock too; raises CalledProcessError if that fails."""
    locks = ("-r", "requirements-docs.lock", "-c", "requirements.lock")
    pip_install(folder, "--no-compile", *locks)
    (folder / DOCS).write_bytes(place(folder))


def main() -> None:
    """Make the environment in the folder of the command line, or bring it up to date; with the word
    ``docs``, add what the documentation needs.
    """
    folder, with_docs = Path(sys.argv[1]), sys.argv[2:] == [DOCS]
    try:
        if with_docs:
            install_docs(folder)
        else:
            clear(folder)
            install(folder)
    except ValueError as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        command = " ".join(map(str, error.cmd[:3]))
        lock = "requirements-docs.lock" if with_docs else "requirements.lock"
        sys.exit(f"{folder}: expected to install {lock}, found that {command} failed")
    except KeyboardInterrupt:
        sys.exit(f"{folder}: interrupted; the next make makes it anew")


if __name__ == "__main__":
    main()
