"""Whatever can be added is an entry: one module of a package, found by its name.

A module holds ``ENTRIES``, a mapping of names to entries. Modules are imported when an entry is
asked for, so code that names some entries runs their modules and no others. Packages inside the
package hold what entries share.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.resources import files
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class UnknownEntry(ValueError):
    """A name that no entry has; the message lists the names that there are."""


class Registry(Generic[T]):
    """The entries of a package by name.

    what: the kind of thing, for messages.
    module: from an entry's name to that of its module, for packages whose modules hold several.
    """

    def __init__(self, what: str, package: str, module: Callable[[str], str] = str) -> None:
        self.what, self.package, self._module = what, package, module

    def __getitem__(self, name: str) -> T:
        """The entry of a name; raises UnknownEntry, with the known names, for another."""
        if isinstance(name, str) and self._module(name) in self._modules():
            entries = self._entries(self._module(name))
            if name in entries:
                return entries[name]
        raise UnknownEntry(f"{self.what}: expected one of {', '.join(self)}, found {name!r}")

    def __contains__(self, name: object) -> bool:
        try:
            self[name]  # type: ignore[index]
        except UnknownEntry:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        """All names; this imports every module."""
        for module in self._modules():
            yield from self._entries(module)

    def module(self, name: str) -> str:
        """The full name of the module that holds an entry, by which a digest covers its code."""
        self[name]
        return f"{self.package}.{self._module(name)}"

    def _modules(self) -> list[str]:
        names = [path.name for path in files(self.package).iterdir()]
        return sorted(
            name.removesuffix(".py")
            for name in names
            if name.endswith(".py") and not name.startswith("_")
        )

    def _entries(self, module: str) -> dict[str, T]:
        entries: dict[str, Any] = import_module(f"{self.package}.{module}").ENTRIES
        return entries
