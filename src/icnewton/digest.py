"""A digest of the code that a stage really runs: a module and every module of this package that it imports.

Comments, docstrings and layout do not count, so that editing them reruns nothing.
"""

import ast
import hashlib
import re
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


@cache
def digest(*modules: str) -> str:
    """Sixteen hexadecimal digits that change with the code of ``modules`` (``icnewton.evaluation``) or of their imports.

    Raises ValueError for a name that is no module of this package.
    """
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting.extend(_imports(module))
    combined = hashlib.blake2b(digest_size=8)
    for module in sorted(reached):
        combined.update(f"{module}\n{_meaning(module)}\n".encode())
    return combined.hexdigest()


def _path(module: str) -> Path | None:
    base = PACKAGE.joinpath(*module.split(".")[1:])
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


@cache
def _tree(module: str) -> ast.Module:
    path = _path(module)
    if path is None:
        raise ValueError(f"expected a module of icnewton, found {module!r}")
    return ast.parse(path.read_text())


@cache
def _imports(module: str) -> frozenset[str]:
    """Modules of this package that a module imports anywhere, ``from icnewton.x import y`` counting y if it is one."""
    names: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return frozenset(name for name in names if name.split(".")[0] == "icnewton" and _path(name))


@cache
def _meaning(module: str) -> str:
    """The module's syntax tree without docstrings and positions, and the C source beside it, if any, without comments."""
    tree = ast.parse(ast.unparse(_tree(module)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    path = _path(module)
    source = path.with_suffix(".c") if path else None
    compiled = re.sub(r"/\*.*?\*/", " ", source.read_text(), flags=re.DOTALL).split() if source and source.is_file() else []
    return " ".join([ast.dump(tree), *compiled])
