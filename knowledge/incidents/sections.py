"""The sections of an incident's Markdown, and texts made safe to stand in one.

Postmortems have headings of their own; those whose meaning is known open a section of an incident,
and everything else is kept as other text. Reading and writing are inverse: `protected` puts a
backslash before each line that would end its section, and `sections` takes it away again. Both do
so line by line in the same way, which a Markdown parser would not let us do: for it, how a line is
read may depend on everything above.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Name = Literal["symptoms", "signature", "cause", "fix", "notes", "other"]

HEADINGS: dict[Name, str] = {
    "symptoms": "Symptoms",
    "signature": "Signature",
    "cause": "Cause",
    "fix": "Fix",
    "notes": "Notes",
}
_LEVEL = 2  # of the headings that are written
_MAX_HEADING_CHARS = 60
_DEEPEST = 7  # deeper than any: a label (`**Cause:** ...`), and what stands above the first heading

_SYNONYMS: dict[Name, tuple[str, ...]] = {
    "symptoms": (
        "symptom",
        "symptoms",
        "summary",
        "executive summary",
        "overview",
        "problem",
        "problem statement",
        "description",
        "what happened",
        "impact",
        "user impact",
        "customer impact",
        "business impact",
        "detection",
        "how it was detected",
        "alert",
        "alerts",
    ),
    "signature": ("signature", "log signature", "log templates"),
    "cause": (
        "cause",
        "causes",
        "root cause",
        "root causes",
        "root cause analysis",
        "rca",
        "probable cause",
        "underlying cause",
        "contributing factors",
        "contributing causes",
        "trigger",
        "why it happened",
    ),
    "fix": (
        "fix",
        "fixes",
        "the fix",
        "resolution",
        "remediation",
        "mitigation",
        "recovery",
        "solution",
        "workaround",
        "what fixed it",
        "how it was fixed",
    ),
    "notes": ("notes",),
}
_NAMES = {words: name for name, synonyms in _SYNONYMS.items() for words in synonyms}

_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_LABEL = re.compile(r" {0,3}(\*\*|__)([^*_]{1,60})\1(.*)$")
_UNDERLINE = re.compile(r" {0,3}(={3,}|-{3,})[ \t]*$")
_NO_WORDS = re.compile(r"\s*$|\s{4}|\s*(?:[#>|*+~`=-]|\d{1,9}[.)]\s)")
_FENCE = re.compile(r" {0,3}(?:(`{3,})[^`]*|(~{3,}).*)$")
_FENCE_END = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*$")
_ESCAPED = re.compile(r"( {0,3})(\\*)(.*)$")
_NOT_LETTERS = re.compile(r"(?:\(s\)|[\W\d_])+")


@dataclass(frozen=True, slots=True)
class Section:
    """`text` under a heading of the words `heading`; "" for the text above all headings.

    A section of `other` text begins with its own heading.
    """

    name: Name
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Title:
    """Lines `start` to `end` (not included) of a document, and what they say."""

    start: int
    end: int
    words: str


@dataclass(frozen=True, slots=True)
class _Opening:
    """A heading or label: its level, its words, and the text that follows on its line."""

    level: int
    words: str
    rest: str = ""

    @property
    def name(self) -> Name | None:
        return _name(self.words)


@dataclass(slots=True)
class _Body:
    """A section while it is read or written: its lines so far, and the code block left open.

    The lines are those without protection, in both directions: how the next one is read depends on
    them.
    """

    name: Name
    level: int
    heading: str = ""
    lines: list[str] = field(default_factory=list)
    fence: str = ""

    def add(self, line: str) -> None:
        """Add a line, which may open or end a code block."""
        end = _FENCE_END.match(line)
        if not self.fence:
            self.fence = _fence(line)
        elif end and end[1].startswith(self.fence):
            self.fence = ""
        self.lines.append(line)

    def add_text(self, line: str) -> None:
        """Add a line that is text, whatever it looks like."""
        self.lines.append(line)

    def break_at(self, line: str) -> _Opening | None:
        """What `line` opens, when it does not belong to this section any more."""
        opening = self.opening_at(line)
        return opening if opening and self._ends_at(opening) else None

    def opening_at(self, line: str) -> _Opening | None:
        """The heading or label that `line` is, or makes of the single line above it."""
        return None if self.fence else _heading(line) or _label(line) or self._underlined(line)

    def section(self) -> Section:
        """The section as it was read."""
        return Section(self.name, self.heading, "\n".join(self.lines))

    def _ends_at(self, opening: _Opening) -> bool:
        name = opening.name
        if name is None:
            return self.name not in ("notes", "other") and opening.level <= self.level
        return name != self.name or opening.level <= self.level

    def _underlined(self, line: str) -> _Opening | None:
        underline = _UNDERLINE.match(line)
        if underline is None or not self.lines or _NO_WORDS.match(self.lines[-1]):
            return None
        if len(self.lines) > 1 and self.lines[-2].strip():
            return None  # a whole paragraph: its author meant a rule
        return _named(1 if underline[1][0] == "=" else 2, self.lines[-1].strip())


def title_of(lines: Iterable[str]) -> Title | None:
    """The title of a document: its first heading.

    None when that opens a section, or is no higher than the others without being of level 1.
    """
    headings = [found for found in _headings(lines) if found[1].level < _DEEPEST]
    if not headings or headings[0][1].name is not None:
        return None
    (start, end), title = headings[0]
    is_highest = all(title.level < other.level for _, other in headings[1:])
    return Title(start, end, title.words) if title.level == 1 or is_highest else None


def sections(lines: Iterable[str]) -> list[Section]:
    """The sections in the order of the document; the first is the text above all headings."""
    body = _Body("notes", _DEEPEST)
    done: list[Section] = []
    for line in lines:
        plain = _unprotected(body, line)
        opening = body.break_at(line) if plain is None else None
        if opening is not None:
            source = [body.lines.pop(), line] if _UNDERLINE.match(line) else [line]
            done.append(body.section())
            body = _opened(opening, source)
        elif plain is not None:
            body.add_text(plain)
        else:
            body.add(line)
    return [*done, body.section()]


def protected(text: str, name: Name) -> str:
    """`text` such that in a section `name` it is read as it is."""
    body = _Body(name, _LEVEL)
    lines = text.split("\n")
    ends = _longest_ends_below(lines)
    return "\n".join(_protected(body, line, end) for line, end in zip(lines, ends, strict=True))


def code_block(lines: Sequence[str], language: str) -> str:
    """A fenced code block that none of its lines can end."""
    runs = re.findall(r"`{3,}", "\n".join(lines))
    fence = "`" * max([3, *(len(run) + 1 for run in runs)])
    return "\n".join([fence + language, *lines, fence])


def code_and_text(text: str) -> tuple[list[str], list[str]]:
    """The lines in the code blocks of `text`, and those outside of them."""
    body = _Body("other", _LEVEL)
    code: list[str] = []
    outside: list[str] = []
    for line in text.split("\n"):
        was_code = bool(body.fence)
        body.add(line)
        if was_code and body.fence:
            code.append(line)
        elif not was_code and not body.fence:
            outside.append(line)
    return code, outside


def _unprotected(body: _Body, line: str) -> str | None:
    """The text that `line` is protected as; None when it is not."""
    indent, slashes, rest = _escaped(line)
    if body.fence or not slashes or not _is_special(body, indent + rest):
        return None
    return indent + slashes[1:] + rest


def _protected(body: _Body, line: str, ends_below: Mapping[str, int]) -> str:
    indent, slashes, rest = _escaped(line)
    fence = _fence(line)
    is_whole_block = fence and len(fence) <= ends_below[fence[0]]
    if body.fence or is_whole_block or not _is_special(body, indent + rest):
        body.add(line)
        return line
    body.add_text(line)
    return f"{indent}\\{slashes}{rest}"


def _escaped(line: str) -> tuple[str, str, str]:
    found = _ESCAPED.match(line)
    assert found is not None, "it matches any line"
    return found[1], found[2], found[3]


def _is_special(body: _Body, line: str) -> bool:
    return bool(_fence(line)) or body.break_at(line) is not None


def _longest_ends_below(lines: Sequence[str]) -> list[dict[str, int]]:
    """For each line, and each sign of a fence, the longest line below that can end a block."""
    longest = {"`": 0, "~": 0}
    below: list[dict[str, int]] = []
    for line in reversed(lines):
        below.append(longest)
        end = _FENCE_END.match(line)
        if end:
            sign = end[1][0]
            longest = {**longest, sign: max(longest[sign], len(end[1]))}
    return below[::-1]


def _headings(lines: Iterable[str]) -> Iterator[tuple[tuple[int, int], _Opening]]:
    body = _Body("other", _DEEPEST)
    for number, line in enumerate(lines):
        opening = body.opening_at(line)
        if opening is not None:
            yield (number - bool(_UNDERLINE.match(line)), number + 1), opening
        body.add(line)


def _opened(opening: _Opening, source: list[str]) -> _Body:
    if opening.name is None:
        return _Body("other", opening.level, lines=source)
    lines = [opening.rest] if opening.rest else []
    return _Body(opening.name, opening.level, opening.words, lines)


def _heading(line: str) -> _Opening | None:
    found = _HEADING.match(line)
    if found is None:
        return None
    words = line[found.end() :].strip()
    open_words = words.rstrip("#")
    is_closed = open_words != words and open_words[-1:] in ("", " ", "\t")
    return _named(len(found[1]), open_words.rstrip() if is_closed else words)


def _label(line: str) -> _Opening | None:
    """`**Cause:** text`, where the words are known."""
    found = _LABEL.match(line)
    if found is None or _name(found[2]) is None:
        return None
    rest = found[3].strip()
    has_colon = found[2].rstrip().endswith(":") or rest.startswith(":")
    if rest and not has_colon:
        return None
    return _Opening(_DEEPEST, found[2].strip(" :"), rest.removeprefix(":").strip())


def _named(level: int, words: str) -> _Opening:
    """A heading; in `Cause: text` the text is the section's first line."""
    before, _, after = words.partition(":")
    if _name(words) is None and _name(before) is not None:
        return _Opening(level, before.strip(), after.strip())
    return _Opening(level, words)


def _name(words: str) -> Name | None:
    if len(words) > _MAX_HEADING_CHARS:
        return None
    plain = _NOT_LETTERS.sub(" ", words.casefold()).strip()
    return _NAMES.get(plain.removeprefix("incident "))


def _fence(line: str) -> str:
    found = _FENCE.match(line)
    return (found[1] or found[2]) if found else ""
