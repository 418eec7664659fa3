"""A digest of the code that a stage runs: a module and every module of this package it imports.

Comments, docstrings and layout do not count, so editing them reruns nothing.
"""

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


@cache
def reached(*modules: str) -> frozenset[str]:
    """``modules`` (``icnewton.evaluation.answers``) and every module that they import.

    The packages around those count too, except the outermost, which only says where its names are.
    Raises ValueError for a name that is no module of this package.
    """
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting.extend(_imports(_tree(_file(module))))
            package = module.rpartition(".")[0]
            if "." in package:
                waiting.append(package)
    return frozenset(found)


@cache
def digest(*modules: str) -> str:
    """Sixteen hexadecimal digits that change with the code that ``modules`` reach."""
    names = sorted(reached(*modules))
    return _combined(f"{module}\n{_meaning(_file(module))}" for module in names)


@cache
def script_digest(script: Path, *modules: str) -> str:
    """The same for a script: its own code, every module of this package that it imports, and more.

    ``modules`` are those that the script looks up by name when it runs.
    """
    return _combined([_meaning(script), digest(*imports_of(script), *sorted(modules))])


def files_digest(folders: Iterable[Path]) -> str:
    """The same for all files below some folders, such as templates: their names and contents."""
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    return _combined(f"{path.name}\n{path.read_text(encoding='utf-8')}" for path in files)


def imports_of(script: Path) -> list[str]:
    """The modules of this package that a script imports."""
    return sorted(_imports(_tree(script)))


def _combined(texts: Iterable[str]) -> str:
    whole = hashlib.blake2b(digest_size=8)
    for text in texts:
        whole.update(f"{text}\n".encode())
    return whole.hexdigest()


def _path(module: str) -> Path | None:
    base = PACKAGE.joinpath(*module.split(".")[1:])
    places = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in places if path.is_file()), None)


def _file(module: str) -> Path:
    path = _path(module)
    if path is None or not _is_ours(module):
        raise ValueError(f"expected a module of icnewton, found {module!r}")
    return path


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _imports(tree: ast.Module) -> frozenset[str]:
    """Modules of this package that are imported anywhere.

    ``from icnewton.x import y`` counts y if it is a module.
    """
    names: set[str] = set()
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names.update(name if _is_ours(name) else node.module for name in inner)
    return frozenset(filter(_is_ours, names))


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node except those below ``if TYPE_CHECKING``, which no job runs."""
    yield tree
    for node in ast.iter_child_nodes(tree):
        test = node.test if isinstance(node, ast.If) else None
        if not (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"):
            yield from _executed(node)


def _is_ours(name: str) -> bool:
    return name.split(".")[0] == "icnewton" and _path(name) is not None


@cache
def _meaning(path: Path) -> str:
    """A file's syntax tree, without docstrings and positions.

    The C source or header beside it, if any, follows without comments.
    """
    tree = ast.parse(ast.unparse(_tree(path)))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    sources = [path.with_suffix(suffix) for suffix in (".c", ".h")]
    texts = [source.read_text(encoding="utf-8") for source in sources if source.is_file()]
    compiled = "".join(texts)
    bare = re.sub(r"/\*.*?\*/", " ", compiled, flags=re.DOTALL)
    return " ".join([ast.dump(tree), *bare.split()])
