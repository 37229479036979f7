"""The look-up as the agent calls it: a query in, exact figures and sample lines out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tools.errors import ToolsError
from tools.evidence import Finding
from tools.logs.lookup.query import Counted, LogQuery, LookupAnswer, Tier
from tools.logs.lookup.run import declares_levels, look_up
from tools.logs.lookup.words import alike
from tools.logs.records import Level
from tools.logs.report import MAX_TEXT_CHARS, format_span, format_time
from tools.result import Status, ToolResult, error_result
from tools.scope import LogSource, Scope
from tools.window import EVERYTHING, Window

_MAX_SAMPLES = 8
_LEVEL_NOUNS = {"error": Level.ERROR, "errors": Level.ERROR, "warning": Level.WARN,
                "warnings": Level.WARN}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lookup:
    """A look-up that ran: its result for the ledger, and the answer itself, if it came to one.

    `result.findings` are the lines of `samples`, in their order.
    """

    result: ToolResult
    answer: LookupAnswer | None = None

    @property
    def samples(self) -> tuple[Counted, ...]:
        """What the findings are examples of."""
        return samples_of(self.answer) if self.answer else ()


def look_up_logs(
    scope: Scope,
    query: LogQuery,
    names: Sequence[str] = (),
    window: Window = EVERYTHING,
    *,
    checkpoint: Callable[[str, int], object] | None = None,
) -> Lookup:
    """Answer `query` over what the logs called `names` (all when empty) have in `window`."""
    sources = [scope.logs[name] for name in names] or list(scope.logs.values())
    try:
        query = _by_level(query, sources, scope)
        answer = look_up(sources, query, now=scope.now, window=window, checkpoint=checkpoint)
    except ToolsError as error:
        return Lookup(error_result(error))
    status = Status.OK if answer.total else Status.NO_DATA
    findings = tuple(_finding(answer, sample) for sample in samples_of(answer))
    omitted = max(0, answer.total - len(findings))
    return Lookup(ToolResult(status, describe(answer), findings, omitted), answer)


def samples_of(answer: LookupAnswer) -> tuple[Counted, ...]:
    """The lines worth showing: one for each of the first values, else for each kind of line."""
    if answer.query.operation == "first" and answer.first:
        return (Counted("first", 1, answer.first.line, answer.first.source),)
    if answer.query.operation == "last" and answer.last:
        return (Counted("last", 1, answer.last.line, answer.last.source),)
    shown = answer.values if answer.values else answer.kinds
    return shown[:_MAX_SAMPLES]


def describe(answer: LookupAnswer) -> str:
    """One line that says what was counted, over what, and how much of it there was."""
    where = ", ".join(answer.sources[:3]) + (" …" if len(answer.sources) > 3 else "")
    span = format_span(*_times(answer))
    notes = "".join(f"; {note}" for note in answer.notes)
    return (
        f"Counted in {where}: {answer.total:,} of {answer.searched:,} lines"
        f"{condition(answer)}{span and f', {span}'}{notes}."
    )


def condition(answer: LookupAnswer) -> str:
    """` with "failed", "root" at level WARN`: which lines are meant; empty for all."""
    words = [f'"{word}"' for word in answer.query.literals]
    words += [_said(word, answer.tier) for word in answer.matched_words]
    having = f" with {', '.join(words)}" if words else ""
    worse = " or worse" if answer.query.or_worse else ""
    level = f" at level {answer.query.level.name}{worse}" if answer.query.level else ""
    status = f" of status {answer.query.status}" if answer.query.status else ""
    return having + level + status


def _said(word: str, tier: Tier) -> str:
    """The word as it was looked for: with what stands for it, where that was needed."""
    others = alike(word)[:2] if tier == "alike" else ()
    return " or ".join(f'"{form}"' for form in (word, *others)) + (" …" if others else "")


def _by_level(query: LogQuery, sources: Sequence[LogSource], scope: Scope) -> LogQuery:
    """`query`, with the word "errors" taken for the level where the logs declare one."""
    if query.level is not None or query.literals or len(query.words) != 1:
        return query
    level = _LEVEL_NOUNS.get(query.words[0].lower())
    if level is None or not declares_levels(sources, now=scope.now):
        return query
    return replace(query, level=level, or_worse=True, words=())


def _finding(answer: LookupAnswer, sample: Counted) -> Finding:
    note = f"one of {sample.count:,} lines of this kind"
    if answer.values:
        note = f"{answer.field} {sample.value}: {sample.count:,} of {answer.total:,} lines"
    elif answer.query.operation in ("first", "last"):
        first, last = _times(answer)
        time = first if answer.query.operation == "first" else last
        note = f"{sample.value} of {answer.total:,} lines, {format_time(time)}"
    text = sample.line.text[:MAX_TEXT_CHARS]
    return Finding("log", sample.source, text, sample.line.number, note, 0.5)


def _times(answer: LookupAnswer) -> tuple[datetime | None, datetime | None]:
    first, last = answer.first, answer.last
    return (first.time if first else None, last.time if last else None)
