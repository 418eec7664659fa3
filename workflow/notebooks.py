"""`make notebooks`: run every notebook from top to bottom and keep its outputs.

Each notebook stores the digest of the sources that were run, so that a test notices sources that
were changed and not run.
"""

import hashlib
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from icnewton.files import write_text

NOTEBOOKS = Path("notebooks")
SECONDS = 600  # for a cell
INLINE = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}  # figures go into the notebook


def sources_of(notebook: NotebookNode) -> str:
    """The digest of what a notebook's code cells say."""
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()[:16]


def executed(path: Path, folder: Path) -> NotebookNode:
    """A notebook as it is after a run in a folder, with the digest of its sources.

    Raises CellExecutionError if a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        resources=resources,
        record_timing=False,
        coalesce_streams=True,
    )
    client.execute(env=os.environ | INLINE)
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
        executed=sources_of(notebook),
    )
    return notebook


def main() -> None:
    """Run the notebooks and store them; one in which a cell fails stays as it was."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        try:
            notebook = executed(path, path.parent)
        except CellExecutionError as error:
            sys.exit(f"{path}: expected cells that run, found {error.ename}: {error.evalue}")
        write_text(path, nbformat.writes(notebook) + "\n")
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
