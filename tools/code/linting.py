"""Linters side by side: what each found, which ran, and which did not and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata

from tools.code.report import Problem
from tools.code.running import CheckerUnavailable


@dataclass(frozen=True, slots=True)
class Linter:
    """`check` gives the problems of a code, or raises CheckerUnavailable; `version` may as well."""

    name: str
    version: Callable[[], str]
    check: Callable[[str], Iterable[Problem]]


@dataclass(frozen=True, slots=True)
class Linted:
    """What the linters found; which ran, with versions; which did not, and why."""

    problems: tuple[Problem, ...]
    checked_by: tuple[str, ...]
    not_checked: tuple[str, ...]


def run_linters(code: str, linters: Sequence[Linter]) -> Linted:
    """What the linters say of `code`, in their order."""
    problems: list[Problem] = []
    checked_by, not_checked = [], []
    for linter in linters:
        try:
            problems.extend(linter.check(code))
            checked_by.append(f"{linter.name} {linter.version()}")
        except CheckerUnavailable as error:
            not_checked.append(f"{linter.name}: {error}")
    return Linted(tuple(problems), tuple(checked_by), tuple(not_checked))


def version_of(distribution: str) -> str:
    """The version of an installed package; raises CheckerUnavailable."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError as error:
        raise CheckerUnavailable(f"{distribution} is not installed") from error
