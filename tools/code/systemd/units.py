"""Unit files as sections and entries, each with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.code.report import Problem, own_problem

# The comment that names the file which follows, where several stand in one text.
_FILE_NAME = re.compile(
    r"^\s*[#;]+\s*(?:file(?:name)?:)?\s*(?:/\S*/)?([\w@.\\:-]+\.(?:service|timer|socket|mount|path|target|slice|automount|swap))\s*[:-]*\s*$",
    re.IGNORECASE,
)
_SECTION = re.compile(r"\[([^\]]*)\]\s*$")
_SUFFIXES = {
    "Service": "service",
    "Timer": "timer",
    "Socket": "socket",
    "Mount": "mount",
    "Automount": "automount",
    "Path": "path",
    "Swap": "swap",
    "Slice": "slice",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """`key=value` in a section; a value over several lines is joined, `line` is its first."""

    section: str
    key: str
    value: str
    line: int
    text: str


@dataclass(frozen=True)
class Unit:
    """One unit file: its `name` with its kind, and `first_line`, where it begins in the code."""

    name: str
    text: str
    first_line: int
    sections: tuple[tuple[str, int], ...]
    entries: tuple[Entry, ...]
    faults: tuple[Problem, ...]

    def of(self, section: str, *keys: str) -> list[Entry]:
        """The entries of these keys in the section, in order."""
        return [one for one in self.entries if one.section == section and one.key in keys]

    def value(self, section: str, key: str) -> str:
        """The last value that counts; empty where there is none."""
        found = self.of(section, key)
        return found[-1].value if found else ""

    def has(self, section: str) -> bool:
        """Whether it has the section."""
        return any(name == section for name, _ in self.sections)


def read_units(code: str) -> list[Unit]:
    """The unit files of a text: one, or as many as comments with file names begin."""
    lines = code.splitlines()
    starts = [index for index, line in enumerate(lines) if _FILE_NAME.match(line)]
    if len(starts) < 2:
        return [_unit("", lines, 1)]
    parts = zip(starts, [*starts[1:], len(lines)], strict=True)
    units = []
    for start, end in parts:
        found = _FILE_NAME.match(lines[start])
        units.append(_unit(found[1] if found else "", lines[start:end], start + 1))
    return units


def _unit(name: str, lines: Sequence[str], first_line: int) -> Unit:
    sections: list[tuple[str, int]] = []
    entries: list[Entry] = []
    faults: list[Problem] = []
    section = ""
    for number, line in _logical_lines(lines, first_line):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        if header := _SECTION.match(stripped):
            section = header[1]
            sections.append((section, number))
        elif "=" not in stripped:
            message = "neither a section, nor key=value"
            faults.append(own_problem(number, "error", "syntax", message))
        elif not section:
            faults.append(own_problem(number, "error", "syntax", "stands before every section"))
        else:
            key, _, value = stripped.partition("=")
            text = lines[number - first_line].strip()
            entries.append(Entry(section, key.strip(), value.strip(), number, text))
    kind = next((_SUFFIXES[one] for one, _ in sections if one in _SUFFIXES), "target")
    # Only a template has an instance, which is what %i stands for.
    stem = "code@" if re.search(r"%[iIjJ]", "\n".join(lines)) else "code"
    return Unit(
        name or f"{stem}.{kind}",
        "\n".join(lines) + "\n",
        first_line,
        tuple(sections),
        tuple(entries),
        tuple(faults),
    )


def _logical_lines(lines: Sequence[str], first_line: int) -> Iterator[tuple[int, str]]:
    """Each line with its number; one that ends in a backslash goes on in the next."""
    begun, text = 0, ""
    for number, line in enumerate(lines, first_line):
        if begun and line.lstrip()[:1] in ("#", ";"):
            continue
        start = begun or number
        text = f"{text} {line.strip()}" if begun else line
        if line.rstrip().endswith("\\"):
            begun, text = start, text.rstrip().removesuffix("\\")
            continue
        yield start, text
        begun, text = 0, ""
    if text:
        yield begun, text
