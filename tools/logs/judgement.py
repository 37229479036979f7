"""Judgement: what was found in all sources becomes findings, the most suspicious first.

Templates, numbers and signs of each source are suspects; `tools.logs.signs.weighing` weighs them
against each other. Nothing here reads a log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2s

import numpy as np

from tools.logs import ranking
from tools.logs.moments import to_micros, to_time
from tools.logs.numbers import Followed
from tools.logs.report import MAX_TEXT_CHARS, LogFinding
from tools.logs.severity import names_problem
from tools.logs.signs.constancy import is_constant, onset
from tools.logs.signs.history import History
from tools.logs.signs.silences import Silence, Vanished, lost, silences
from tools.logs.signs.source import SourceSigns
from tools.logs.signs.suspects import Suspect
from tools.logs.signs.timeline import Timeline, TimelineEvent, shortened
from tools.logs.signs.upstream import Dependencies, learn_needs
from tools.logs.signs.weighing import weigh

_MIN_EVENT_SUSPICION = 0.4
_NO_TIMES = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class SourceEvidence:
    """One source: its signs, the numbers that changed, and what of its baseline vanished.

    `num_before` is how many records the baseline has.
    """

    signs: SourceSigns
    numbers: Sequence[Followed]
    vanished: Sequence[Vanished]
    num_before: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """The findings of all sources, most suspicious first, and what came first among them."""

    findings: tuple[LogFinding, ...]
    timeline: Timeline | None


def judge(
    evidence: Sequence[SourceEvidence],
    depends_on: Mapping[str, Sequence[str]],
    max_findings: int,
) -> Judgement:
    """Weigh everything against each other. `depends_on`: which services each service needs."""
    histories = [item.signs.history for item in evidence]
    span = _span(histories)
    suspects = [suspect for item in evidence for suspect in _suspects(item, histories, span)]
    weighed = weigh(
        suspects,
        [item.signs for item in evidence],
        span,
        _dependencies(suspects, depends_on),
    )
    weighed.sort(
        key=lambda suspect: (
            -suspect.suspicion,
            suspect.onset or 0,
            suspect.line.number,
        )
    )
    before = {id(item.signs): item.num_before for item in evidence}
    chosen = weighed[:max_findings]
    findings = tuple(_finding(suspect, before[id(suspect.source)]) for suspect in chosen)
    return Judgement(findings, _timeline(chosen, findings))


def _suspects(
    item: SourceEvidence, histories: Sequence[History], span: tuple[int, int] | None
) -> Iterator[Suspect]:
    signs, history = item.signs, item.signs.history
    for number in history.groups:
        yield _template(item, number, span)
    for followed in item.numbers:
        yield _number(signs, followed)
    others = [other for other in histories if other is not history]
    for sign in (*signs.signs, *silences(history, signs.rhythms, others)):
        yield Suspect.of_sign(signs, sign)
    for vanished, silence in lost(history, item.vanished, span) if span is not None else ():
        yield _lost(signs, vanished, silence)


def _template(item: SourceEvidence, number: int, span: tuple[int, int] | None) -> Suspect:
    history, group = item.signs.history, item.signs.history.group(number)
    may_matter = group.is_problem or names_problem(group.message)
    times = history.times(number) if may_matter else _NO_TIMES
    is_novel = bool(item.num_before) and not group.baseline_count
    constant = False
    began = int(times[0]) if len(times) else None
    if len(times) and span is not None and not is_novel:
        constant = is_constant(times, span, history.ordinary_times)
        began = None if constant else onset(times, span)
    suspicion = ranking.suspicion(
        group,
        ranking.Course.of(group, len(history)),
        item.num_before,
        is_constant=constant,
        is_routine=may_matter and item.signs.startups.is_routine(number),
    )
    return Suspect(
        "template",
        item.signs,
        number,
        group.template,
        group.sample,
        group.count,
        group.first,
        group.last,
        began,
        suspicion,
        group.is_problem,
        constant,
    )


def _number(signs: SourceSigns, followed: Followed) -> Suspect:
    drift = followed.drift
    return Suspect(
        "number",
        signs,
        None,
        f"{followed.name} {drift.direction}",
        drift.peak.line,
        followed.num_lines,
        drift.first_time,
        drift.last_time,
        to_micros(drift.left_time) if drift.left_time else None,
        ranking.drift_suspicion(followed),
        True,
        notes=(ranking.drift_note(followed.name, drift) + followed.remark,),
    )


def _lost(signs: SourceSigns, vanished: Vanished, silence: Silence) -> Suspect:
    rhythm = vanished.rhythm
    return Suspect(
        "silence",
        signs,
        None,
        vanished.template,
        vanished.line,
        rhythm.count,
        to_time(rhythm.first),
        to_time(rhythm.last),
        silence.onset,
        silence.suspicion,
        True,
        notes=(silence.note,),
    )


def _dependencies(
    suspects: Sequence[Suspect], depends_on: Mapping[str, Sequence[str]]
) -> Dependencies:
    if depends_on:
        return Dependencies(depends_on)
    problems: defaultdict[str, list[str]] = defaultdict(list)
    for suspect in suspects:
        if suspect.is_problem and suspect.kind == "template":
            problems[suspect.name_of_source].append(suspect.line.text)
    sources = list(dict.fromkeys(suspect.name_of_source for suspect in suspects))
    return Dependencies(learn_needs(problems, sources))


def _finding(suspect: Suspect, num_before: int) -> LogFinding:
    history = suspect.source.history
    group = history.group(suspect.group) if suspect.group is not None else None
    level = group.level.name if group is not None and group.level is not None else None
    notes, is_new, baseline_count = list(suspect.notes), False, None
    if suspect.kind == "template" and group is not None:
        course = ranking.Course.of(group, len(history))
        notes.append(ranking.note(group, course, num_before, is_constant=suspect.is_constant))
        is_new = ranking.is_new(group, course, num_before)
        baseline_count = group.baseline_count if num_before else None
    return LogFinding(
        id=_finding_id(suspect, level),
        source=suspect.name_of_source,
        template=group.template if group is not None else suspect.name,
        count=suspect.count,
        baseline_count=baseline_count,
        first=suspect.first,
        last=suspect.last,
        level=level,
        is_new=is_new,
        text=suspect.line.text[:MAX_TEXT_CHARS],
        line=suspect.line.number,
        path=str(suspect.line.path),
        note="; ".join(notes),
        suspicion=suspect.suspicion,
        is_cut=suspect.line.is_cut or len(suspect.line.text) > MAX_TEXT_CHARS,
        kind=suspect.kind,
        onset=to_time(suspect.onset) if suspect.onset is not None else None,
    )


def _finding_id(suspect: Suspect, level: str | None) -> str:
    # The kind of a template or number is left out: its id is older than the other kinds.
    kind = "" if suspect.kind in ("template", "number") else f"\0{suspect.kind}"
    text = f"{suspect.name_of_source}\0{level}\0{suspect.name}{kind}"
    return blake2s(text.encode(errors="replace"), digest_size=5).hexdigest()


def _timeline(suspects: Sequence[Suspect], findings: Sequence[LogFinding]) -> Timeline | None:
    """The onsets of what is suspicious, each line once."""
    events: dict[tuple[str, str], TimelineEvent] = {}
    for suspect, finding in zip(suspects, findings, strict=True):
        if suspect.onset is not None and suspect.suspicion >= _MIN_EVENT_SUSPICION:
            time, what = to_time(suspect.onset), shortened(_what(suspect))
            event = TimelineEvent(time, finding.source, what, finding.id)
            events.setdefault((finding.source, finding.template), event)
    return Timeline.of(events.values())


def _what(suspect: Suspect) -> str:
    """What began: the message, and where that does not say it, the kind of the sign."""
    if suspect.group is None:
        return f"silence: {suspect.name}" if suspect.kind == "silence" else suspect.name
    message = suspect.source.history.group(suspect.group).message
    is_told = suspect.is_lead or suspect.kind == "template"
    return message if is_told else f"{suspect.kind}: {message}"


def _span(histories: Sequence[History]) -> tuple[int, int] | None:
    spans = [history.span for history in histories]
    known = [span for span in spans if span is not None]
    if not known:
        return None
    return min(first for first, _ in known), max(last for _, last in known)
