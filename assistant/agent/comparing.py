"""Questions of before and after: "did it get slower since the deploy at 14:00?"

Code reads which number is meant and the moment that divides before from after, computes both sides
over every line, and says yes or no. A change that chance could have made is no change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from assistant.agent.times import read_moment
from tools.evidence import Evidence, Finding
from tools.logs.lookup.compare import (
    Comparison,
    NumberChange,
    RateChange,
    Side,
    compare_logs,
)
from tools.logs.lookup.query import LogQuery
from tools.logs.lookup.run import look_up
from tools.logs.reader import LogLine
from tools.logs.report import MAX_TEXT_CHARS, format_time
from tools.result import Status, ToolResult
from tools.scope import LogSource, Scope
from tools.window import Window

_COMPARATIVE = re.compile(
    r"\b(slower|faster|quicker|longer|shorter|worse|better|higher|lower|bigger|larger|smaller|more|"
    r"fewer|less|increas\w*|decreas\w*|rise|rose|risen|drop(?:ped|s)?|grow\w*|grew|chang\w+|differ\w*|"
    r"compar\w+|regress\w*|degrad\w*|improv\w*)\b",
    re.IGNORECASE,
)
_OF_TIME = re.compile(r"^(?:slower|faster|quicker|longer|shorter|regress|degrad)", re.IGNORECASE)
_OF_ERRORS = re.compile(r"\b(?:errors?|failures?|warnings?|problems?|fail\w*)\b", re.IGNORECASE)
_EVENT = re.compile(
    r"\b(?:since|after|before)\s+(?:the|our|that|a)?\s*(?:last |latest |new )?"
    r"(deploy\w*|release|rollout|upgrade|update|migration|restart|reboot|reload|failover|change)\b",
    re.IGNORECASE,
)
# Asked for a yes or a no; whoever asks why wants a cause.
_YES_OR_NO = re.compile(
    r"(?:^|[.,;:!?]\s+|\band\s+)(?:did|does|do|is|are|has|have|was|were|any)\b|\bcompare\b",
    re.IGNORECASE,
)
_CAUSE = re.compile(r"\b(?:why|causes?|reasons?|wrong|fix|what (?:has )?changed)\b", re.IGNORECASE)
_TIME_WORDS = "time duration latency response seconds ms"
_MAX_OTHERS = 3
_MIN_LINES = 10
_SHARE_FACTOR = 2.0
_MIN_PROBLEMS = 3
_NEAR = timedelta(seconds=5)
_EVENT_WORDS = ("deploy", "release", "rollout", "upgrade", "migration", "reload", "version")


@dataclass(frozen=True, slots=True)
class Comparing:
    """What is to be compared. Without a `moment`, the last `event` in the logs divides the sides.

    `words` name the number that is meant; `is_about_errors` when it is problems that are counted.
    """

    moment: datetime | None
    event: str
    words: str
    is_about_errors: bool


def read_comparison(text: str, now: datetime) -> Comparing | None:
    """What `text` wants compared; None when it is another question."""
    comparative = _COMPARATIVE.search(text)
    event = _EVENT.search(text)
    moment = read_moment(text, now)
    if comparative is None or (moment is None and event is None):
        return None
    if not _YES_OR_NO.search(text) or _CAUSE.search(text):
        return None
    words = f"{_TIME_WORDS} {text}" if _OF_TIME.search(comparative[1]) else text
    return Comparing(
        moment, event[1].lower() if event else "", words, bool(_OF_ERRORS.search(text))
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer in words with `{0}`, `{1}` for the ids of `findings`; None findings: no answer."""

    text: str
    findings: tuple[Finding, ...]


def judge(comparing: Comparing, found: Comparison) -> Verdict | None:
    """What the comparison says; None when there is too little on one side to say anything."""
    if comparing.is_about_errors:
        return _judge_rates(found)
    asked = [change for change in found.numbers if change.fits > 0]
    if not asked:
        return _judge_rates(found)
    return _judge_number(asked[0], found)


def compare_scope(
    scope: Scope,
    sources: Sequence[LogSource],
    comparing: Comparing,
    checkpoint: Callable[[str, int], object],
) -> tuple[ToolResult, Verdict | None]:
    """The comparison over `sources` as a tool's result, and what it says.

    Raises ToolsError when a source cannot be read.
    """
    moment = comparing.moment or _moment_of(comparing.event, scope)
    if moment is None:
        return ToolResult(Status.NO_DATA, f"No log line tells of a {comparing.event}."), None
    found = compare_logs(sources, moment, comparing.words, now=scope.now, checkpoint=checkpoint)
    verdict = judge(comparing, found)
    names = ", ".join(source.name for source in sources[:3]) + (" …" if len(sources) > 3 else "")
    summary = (
        f"Compared {names} before and since {format_time(moment)}: {found.num_lines:,} lines, "
        f"{len(found.numbers)} numbers."
    )
    if verdict is None:
        return ToolResult(Status.NO_DATA, f"{summary} Too few lines on one side."), None
    findings = (*verdict.findings, *_events_near(scope, moment))
    return ToolResult(Status.OK, summary, findings), verdict


def _moment_of(event: str, scope: Scope) -> datetime | None:
    """When the last such event was, by what the logs say of it."""
    query = LogQuery("last", words=(event,))
    answer = look_up(list(scope.logs.values()), query, now=scope.now)
    return answer.last.time if answer.last else None


def _events_near(scope: Scope, moment: datetime) -> tuple[Finding, ...]:
    """The line that tells of a change at the moment of the comparison, if there is one."""
    window = Window(moment - _NEAR, moment + _NEAR)
    for words in _EVENT_WORDS:
        query = LogQuery("first", words=(words,))
        answer = look_up(list(scope.logs.values()), query, now=scope.now, window=window)
        if answer.first is not None:
            first = answer.first
            return (_quoted(first.source, first.line, f"at {format_time(first.time)}"),)
    return ()


def as_text(verdict: Verdict, evidence: Sequence[Evidence]) -> str:
    """The verdict with the ids of its findings, which are `evidence` in their order."""
    ids = "".join(f"[{item.id}]" for item in evidence)
    return f"**Answer** {ids}: {verdict.text}"


def _judge_number(change: NumberChange, found: Comparison) -> Verdict:
    moment = format_time(found.moment)
    old, new = change.before, change.since
    figures = (
        f"`{change.name}` in `{change.source}` has a median of **{new.median:.4g}** in the "
        f"{new.count:,} lines since {moment} (95th percentile {new.p95:.4g}) and had "
        f"**{old.median:.4g}** in the {old.count:,} lines before ({old.p95:.4g})"
    )
    if change.has_changed:
        word = "higher" if new.median > old.median else "lower"
        text = f"**yes, {word}** since {moment}: {figures}."
    else:
        text = f"**no change**: {figures}, which is no more than chance makes."
    others = [n for n in found.numbers if n.has_changed and n is not change]
    others = [n for n in others if n.source == change.source][:_MAX_OTHERS]
    if others and change.has_changed:
        told = [f"`{n.name}` {n.before.median:.4g} -> {n.since.median:.4g}" for n in others]
        text += f" Changed at the same time: {', '.join(told)}."
    return Verdict(text, (_finding(change, new, "since"), _finding(change, old, "before")))


def _finding(change: NumberChange, side: Side, when: str) -> Finding:
    note = f"{change.name}: median {side.median:.4g} of {side.count:,} lines {when}; a typical one"
    return _quoted(change.source, side.line, note)


def _quoted(source: str, line: LogLine, note: str) -> Finding:
    return Finding("log", source, line.text[:MAX_TEXT_CHARS], line.number, note, 0.5)


def _judge_rates(found: Comparison) -> Verdict | None:
    """Whether the share of problem lines changed: of the log where it changed most."""
    known = [rate for rate in found.rates if min(rate.total_before, rate.total_since) >= _MIN_LINES]
    if not known:
        return None
    most = max(known, key=lambda rate: (_has_more(rate), rate.shares[1] - rate.shares[0]))
    before, since = most.shares
    moment = format_time(found.moment)
    figures = (
        f"in `{most.source}` {most.problems_since:,} of {most.total_since:,} lines since {moment} "
        f"are problems ({since:.1%}), and {most.problems_before:,} of {most.total_before:,} before "
        f"({before:.1%})"
    )
    if not _has_more(most):
        return Verdict(f"**no change for the worse**: {figures}.", ())
    note = f"the first problem line since {moment}"
    quoted = (_quoted(most.source, most.line, note),) if most.line else ()
    return Verdict(f"**yes, more problems** since {moment}: {figures}.", quoted)


def _has_more(rate: RateChange) -> bool:
    before, since = rate.shares
    return rate.problems_since >= _MIN_PROBLEMS and since >= _SHARE_FACTOR * before
