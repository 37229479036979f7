"""A playbook's plays and tasks, wherever blocks and lists put them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tools.code.ansible.vocabulary import MODULES, TASK_KEYS, short_name
from tools.code.documents.faults import line_text
from tools.code.documents.loading import Document, Path
from tools.code.report import Danger, Problem, Severity, own_problem

TASK_LISTS = ("pre_tasks", "tasks", "post_tasks", "handlers")
_PAIR = re.compile(r"(?:^|\s)(\w+)=((?:\{\{.*?\}\}|\"[^\"]*\"|'[^']*'|\S)+)")
_BLOCK_PARTS = ("block", "rescue", "always")


@dataclass(frozen=True)
class Task:
    """One task, the place of its first line, and the play that it is of (empty in a task file)."""

    value: dict[str, Any]
    path: Path
    document: Document
    lines: tuple[str, ...]
    play: dict[str, Any]
    is_handler: bool

    @property
    def modules(self) -> list[str]:
        """Its keys that are no keyword: a right task has one."""
        return [
            str(key)
            for key in self.value
            if str(key) not in TASK_KEYS and not str(key).startswith("with_")
        ]

    @property
    def module(self) -> str:
        """The short name of its module; empty where it has none."""
        known = [key for key in self.modules if "." in key or short_name(key) in MODULES]
        return short_name((known or self.modules or [""])[0])

    @property
    def arguments(self) -> dict[str, Any]:
        """Its module's arguments by name; what stands free is `_raw`."""
        value = next(
            (self.value[key] for key in self.modules if short_name(key) == self.module), None
        )
        extra = self.value.get("args")
        named = dict(extra) if isinstance(extra, dict) else {}
        if isinstance(value, dict):
            return {**named, **value}
        return {**named, **_free_form(str(value or ""))}

    @property
    def line(self) -> int:
        """The first line of the task."""
        return self.document.line_of(self.path)

    def problem(
        self, severity: Severity, code: str, message: str, fix: str = "", key: str = ""
    ) -> Problem:
        """A problem of the task, at the line of its `key` where one is given."""
        line = self.document.line_of([*self.path, key]) if key else self.line
        return own_problem(line, severity, code, message, fix)

    def danger(self, what: str, advice: str) -> Danger:
        """A danger of the task, told by the line of its module."""
        key = next((one for one in self.modules if short_name(one) == self.module), "")
        line = self.document.line_of([*self.path, key]) if key else self.line
        return Danger(line, line_text(self.lines, line), what, advice)


def _free_form(text: str) -> dict[str, Any]:
    """`path=/x state=absent` as arguments, and the whole as `_raw`."""
    return {**{name: value.strip("\"'") for name, value in _PAIR.findall(text)}, "_raw": text}


def plays_of(documents: Sequence[Document]) -> Iterator[tuple[Document, int, dict[str, Any]]]:
    """The entries of each document that are plays, with their number."""
    for document in documents:
        entries = document.value if isinstance(document.value, list) else []
        for index, entry in enumerate(entries):
            if isinstance(entry, dict) and is_play(entry):
                yield document, index, entry


def is_play(entry: dict[str, Any]) -> bool:
    """Whether an entry is a play, and no task."""
    return bool(
        {"hosts", "import_playbook", "ansible.builtin.import_playbook", "roles", *TASK_LISTS}
        & set(entry)
    )


def tasks_of(documents: Sequence[Document], code: str) -> Iterator[Task]:
    """Every task of the documents in order, those of blocks and handlers included."""
    lines = tuple(code.splitlines())
    for document in documents:
        entries = document.value if isinstance(document.value, list) else []
        for index, entry in enumerate(entries):
            if not isinstance(entry, dict):
                continue
            if is_play(entry):
                for part in TASK_LISTS:
                    yield from _listed(entry.get(part), (index, part), document, lines, entry)
            else:
                yield from _of_entry(entry, (index,), document, lines, {}, is_handler=False)


def _listed(
    entries: object, path: Path, document: Document, lines: tuple[str, ...], play: dict[str, Any]
) -> Iterator[Task]:
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict):
            is_handler = "handlers" in path
            yield from _of_entry(
                entry, (*path, index), document, lines, play, is_handler=is_handler
            )


def _of_entry(
    entry: dict[str, Any],
    path: Path,
    document: Document,
    lines: tuple[str, ...],
    play: dict[str, Any],
    *,
    is_handler: bool,
) -> Iterator[Task]:
    if "block" not in entry:
        yield Task(entry, path, document, lines, play, is_handler)
        return
    for part in _BLOCK_PARTS:
        yield from _listed(entry.get(part), (*path, part), document, lines, play)
