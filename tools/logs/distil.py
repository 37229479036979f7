"""Logs as knowledge: a log distilled into documents that answer "have we seen this line before?".

One document for each service that the log names, one passage for each of its templates: the words
of the template, its level and counts, when it was first and last seen, and lines as they stand in
the log. Collecting that is `tools.logs.sightings`' work; storing and finding it the knowledge
base's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from knowledge.blocks import Block
from knowledge.documents import Document, Unusable
from tools.errors import ToolsError
from tools.logs.analysis import Progress
from tools.logs.reader import LineStream, LogLine, read_lines
from tools.logs.records import Level, level_of
from tools.logs.report import format_span
from tools.logs.sightings import Event, Sighting, Sightings
from tools.scope import LogSource

# More than an analysis reads: what is left out here is never found.
MAX_BYTES = 2 * 1024 * 1024 * 1024
MAX_TEMPLATES = 200

# Together less than the 1,500 characters of a chunk, so that no passage is torn.
_MAX_TEMPLATE_CHARS = 300
_MAX_LINE_CHARS = 300
_MAX_EXAMPLE_CHARS = 700
_MAX_EXAMPLES_CHARS = 950
_MAX_NAME_CHARS = 100
_MAX_TITLE_CHARS = 120
_PROGRESS_LINES = 10_000

_MARKS = re.compile(r"<(?:\*|[a-z]+)>(?:\s*<(?:\*|[a-z]+)>)*")
# The tab stays, it indents stack traces. Half a surrogate pair is no text that can be stored.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")


def distil(source: LogSource, progress: Progress | None = None) -> list[Document]:
    """The documents of `source`, one for each service; the same log gives the same documents.

    Time stamps without a year are taken to be from before the files were last written to. Raises
    Unusable when there is no text log in the files.
    """
    stream = read_lines(source, MAX_BYTES)
    sightings = Sightings(_last_written(source))
    try:
        _read(stream, sightings, progress)
    except ToolsError as error:
        raise Unusable(error.message) from error
    by_service = sightings.by_service(source.name)
    if not by_service:
        raise Unusable("; ".join(["empty: no log lines", *stream.notes]))
    is_only = len(by_service) == 1
    return [
        _Distillate(source.name, service, is_only, seen, stream.notes).document()
        for service, seen in by_service.items()
    ]


def _last_written(source: LogSource) -> datetime:
    times = [0.0]
    for path in source.paths:
        with suppress(OSError):  # whoever reads the file says what is wrong with it
            times.append(path.stat().st_mtime)
    return datetime.fromtimestamp(max(times), UTC)


def _read(stream: LineStream, sightings: Sightings, progress: Progress | None) -> None:
    for line in stream:
        sightings.add(line)
        if progress is not None and sightings.num_lines % _PROGRESS_LINES == 0:
            progress(stream.source.name, sightings.num_lines)


@dataclass(frozen=True, slots=True)
class _Distillate:
    """What was seen of one service in the log `log`; `service` is `log` for what names none."""

    log: str
    service: str
    is_only: bool
    seen: Sequence[Sighting]
    notes: Sequence[str]

    def document(self) -> Document:
        """The passages of the service, most telling first."""
        ordered = sorted(self.seen, key=_rank)
        shown, left_out = ordered[:MAX_TEMPLATES], ordered[MAX_TEMPLATES:]
        draft = _Draft()
        draft.section(1, self._title, self._summary(left_out))
        for sighting in shown:
            draft.section(2, _title(sighting), _passage(sighting))
        names = dict.fromkeys(_printable(name) for name in (self.service, self.log))
        return Document(
            draft.text,
            tuple(draft.blocks),
            name="" if self.is_only else _printable(self.service),
            kind="log",
            services=tuple(names),
            dated_utc=max((one.last_time for one in self.seen if one.last_time), default=None),
        )

    @property
    def _title(self) -> str:
        if self.service == self.log:
            return _printable(f"Log {self.log}")
        return _printable(f"Log {self.log}: {self.service}")

    def _summary(self, left_out: Sequence[Sighting]) -> str:
        first = min((one.first_time for one in self.seen if one.first_time), default=None)
        last = max((one.last_time for one in self.seen if one.last_time), default=None)
        span = format_span(first, last) or "no time stamps"
        lines = [f"{_counts(self.seen)}, {span}."]
        if left_out:
            lines.append(f"Left out: {_counts(left_out)}.")
        lines.extend(f"Note: {_printable(note)}." for note in self.notes)
        return "\n".join(lines)


class _Draft:
    """A text that is written section by section, and its blocks."""

    def __init__(self) -> None:
        self.text = ""
        self.blocks: list[Block] = []

    def section(self, level: int, title: str, body: str) -> None:
        """Add a heading, and below it one block."""
        self._add(f"{'#' * level} {title}\n\n", level, title)
        self._add(f"{body}\n\n", 0, "")

    def _add(self, text: str, level: int, title: str) -> None:
        start = len(self.text)
        self.text += text
        self.blocks.append(Block(start, len(self.text), level, title))


def _rank(sighting: Sighting) -> tuple[int, int, int]:
    """A sorting key: severe before healthy; of what is healthy, the noise of every minute last.

    Of errors the frequent ones come first, so that of hundreds only those seen once are left out.
    """
    level = sighting.level or Level.INFO
    count = -sighting.count if level >= Level.WARN else sighting.count
    return -level, count, sighting.first_position


def _counts(sightings: Sequence[Sighting]) -> str:
    counts: Counter[Level | None] = Counter()
    for sighting in sightings:
        counts[sighting.level] += sighting.count
    ordered = sorted(counts.items(), key=lambda item: -(item[0] or 0))
    levels = ", ".join(f"{level.name if level else 'no level'} {n:,}" for level, n in ordered)
    return f"{counts.total():,} lines of {len(sightings):,} templates ({levels})"


def _title(sighting: Sighting) -> str:
    """The level and the words of the template, an ellipsis for each of its variable parts."""
    words = _cut(_printable(_MARKS.sub("…", _without_level(sighting.template))), _MAX_TITLE_CHARS)
    return f"{sighting.level.name}: {words}" if sighting.level else words


def _without_level(template: str) -> str:
    """The template without the level that it may begin with, `ERROR` or `[error]`."""
    word, _, rest = template.partition(" ")
    name = word.strip("[]()<>|:-")
    # A plain word may belong to the sentence: "error while loading".
    is_mark = name in Level.__members__ or (word != name and level_of(name) is not None)
    return rest if rest and is_mark else template


def _passage(sighting: Sighting) -> str:
    """Nothing but this template's figures: when others are seen again, it stays as it is."""
    template = _cut(_printable(sighting.template), _MAX_TEMPLATE_CHARS)
    return f"    {template}\n\n{_figures(sighting)}\n\n{_examples(sighting)}"


def _figures(sighting: Sighting) -> str:
    span = format_span(sighting.first_time, sighting.last_time) or "no time stamps"
    if sighting.count == 1:
        return f"Seen once: {span}."
    return f"Seen {sighting.count:,} times: {span}; last in {_place(sighting.last.line)}."


def _examples(sighting: Sighting) -> str:
    """The first event, one that differs and the last one, as far as there is room for them."""
    distinct: dict[str, Event] = {}
    for event in (sighting.first, sighting.other, sighting.last):
        if event is not None:
            distinct.setdefault(event.message, event)
    examples: list[str] = []
    for example in map(_example, distinct.values()):
        if sum(map(len, examples)) + len(example) <= _MAX_EXAMPLES_CHARS:
            examples.append(example)
    return "\n".join(examples)


def _example(event: Event) -> str:
    """The lines of an event, indented; of a long trace, its beginning and its end."""
    lines = [f"    {_cut(_printable(line.text), _MAX_LINE_CHARS)}" for line in event.lines]
    lines[0] = f"    {_place(event.lines[0])}: {lines[0][4:]}"
    middle = 0
    while sum(map(len, lines)) > _MAX_EXAMPLE_CHARS and len(lines) > 2:
        middle = len(lines) // 2
        del lines[middle]
    if middle:
        lines.insert(middle, "    …")
    return "\n".join(lines)


def _place(line: LogLine) -> str:
    return f"{_cut(_printable(line.path.name), _MAX_NAME_CHARS)}:{line.number}"


def _cut(text: str, max_chars: int) -> str:
    return text if len(text) <= max_chars else f"{text[:max_chars]}…"


def _printable(text: str) -> str:
    """`text` with control characters spelled out, as `\\x1b`."""
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
