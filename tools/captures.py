"""Captures: recorded command outputs, and the lines in them that point at a problem.

A capture may be a `kubectl describe` page, a table, JSON, YAML or an error message. The rules here
are general: words of trouble, unhealthy states and counts, the words of the question, and the words
that problem lines share with others. Which line is the cause is left to the reader.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tools.errors import ToolsError
from tools.evidence import Finding
from tools.logs.reader import LogLine, read_lines
from tools.logs.templates import Masker
from tools.result import Status, ToolResult, error_result
from tools.scope import Capture, LogSource

MAX_BYTES = 4 * 1024 * 1024
MAX_TEXT_CHARS = 400
_HEAD_LINES = 3
_MAX_QUERY_WORDS = 24
_MAX_PASSAGE_LINES = 4
_MIN_SCORE = 0.12
_JOIN_SCORE = 0.5
_LEADS = 6
_LONG_PAGE_LINES = 1000
# Each further passage of one capture counts this much less, so that none fills the list alone.
_REPEAT_FACTOR = 0.93
_LEAD_SCORE = 0.6

_STRONG = re.compile(
    r"\bOOM|out of memory|ImagePullBackOff|ErrImage\w+|\bEvicted\b|\bpanic\b|\bfatal\b"
    r"|no space left|x509|certificate (?:has )?expired|syntax error|segfault"
    r"|\bFailed(?:Scheduling|Mount|Create|Attach)\w*|BackoffLimitExceeded|DeadlineExceeded"
    r"|read-only file system|undefined|could ?n[o']t resolve|could not resolve"
    r"|connection refused|permission denied",
    re.IGNORECASE,
)
_PROBLEM = re.compile(
    r"\berror(?:s|ed)?\b|\bfail(?:s|ed|ure|ures|ing)?\b|Failed[A-Z]\w+|\bwarning\b|\bpending\b"
    # That something is started over and over says that it fails, not why.
    r"|\bCrashLoop\w*|\bback-?off\b"
    r"|\bdenied\b|\brefused\b|\bexceed\w*|\bexpired\b|\bnot found\b|NotFound\b"
    r"|\bno such\b|\bcannot\b|\bcan't\b|\bunable\b|\bcould ?n[o']t\b|\bcould not\b"
    r"|\b(?:does|did|do) ?n[o']t\b|\bmissing\b|\bunhealthy\b|\bdegraded\b|\btimed? ?out\b"
    r"|\bunreachable\b|\bunavailable\b|\bkilled\b|\bdead\b|\binactive\b|\bterminated\b|NotReady"
    r"|OutOfSync|\bthrottl\w+|\bforbidden\b|\bunauthorized\b|\binvalid\b|\bconflict\b|\bstuck\b"
    r"|\bcorrupt\w*|\blost\b|\brejected\b|\binsufficient\b|\bunschedulable\b"
    r"|\bnot (?:ready|running|available|installed|active|enough|allowed|permitted)\b"
    r"|\bEXITED\b|\bSTOPPED\b",
    re.IGNORECASE,
)
_STATE = re.compile(
    r"\b(?:Ready|Available|Healthy|Initialized|PodScheduled|ContainersReady|Synced|Active|Running"
    r"|enabled|reachable|success|ok)\"?[:=\s]\s*\"?False\b"
    r"|Pressure\"?[:=\s]\s*\"?True\b|\b(?:failure|failed|unhealthy|degraded)\"?[:=]\s*\"?true\b"
    r"|\bexit(?:ed)?[ _-]?(?:code|status)\"?[:=\s(]\s*\"?-?[1-9]\d*|\breturn code [1-9]"
    r"|status=[1-9]|\b0/[1-9]\d*\b|\b(?:9[0-9]|100)%|\brestart(?:s|[ _]?count)\"?[:=]\s*[1-9]"
    r"|\b[1-9]\d* (?:failed|unavailable|unhealthy)\b|\b[1-9]\d* \(\d+\w+ ago\)",
    re.IGNORECASE,
)
# What looks like trouble and is the absence of it, the name of a setting, or an address.
_HEALTHY = re.compile(
    r"https?://\S+|\bseverity\W+\w+"
    r"|\b(?:no|0|zero|without(?: any)?) (?:errors?|failures?|failed|warnings?|unavailable)\b"
    r"|[\w.-]*(?:error|fail|warn|timeout|restart|denied|missing|retr|backoff|unavailable)[\w.-]*\"?"
    r"\s*[:=]\s*\"?(?:0\b|null|none|nil|false|\"|<none>|\[\]|\{\}|\d+m?s\b)"
    r"|#failure=\d+|timeout=\w+|failureThreshold\S*|restartPolicy\S*|max unavailable"
    r"|node\.kubernetes\.io/\S+|Pressure\s+False|terminationMessage\w+|onError\w*|--?\w*error\w*"
    r"|error_message\"?: null|backoff ?limit\"?:\s+\d+",
    re.IGNORECASE,
)
_TELLING_KEY = re.compile(
    r"^\W*(?:title|description|summary|message|reason|alertname|severity|last state"
    r"|status|phase|state|conditions?|health[ _]status|sync[ _]status|datetime)\"?\s*[:=]",
    re.IGNORECASE,
)
_ONSET_KEY = re.compile(r"^\W*(?:starts?_?at|start[ _]time|since|active_?since)\"?\s*[:=]", re.I)
_FACT_KEY = re.compile(
    r"^\W*(?:limits?|requests?|cpu|memory|node-?selectors?|taints|image|command|args"
    r"|environment|service account|capacity|allocatable)\"?\s*[:=]",
    re.IGNORECASE,
)
_KEY = re.compile(r"^\W*[\w .-]{1,30}\"?\s*[:=]\s*")
_EMPTY_VALUE = re.compile(r"[:=]\s*\"?(?:<none>|<unset>|null|none|\{\}|\[\])?\"?,?\s*$", re.I)
# Advice and documentation, not observation.
_PROSE = re.compile(
    r"^\W*(?:check|ensure|verify|try|make sure|consider|possible|if|when|in case|for example|see"
    r"|note|run|use|add|remove|set)\b|\b(?:may|might|could be|should|can be|will|e\.g\.)\b"
    r"|\bmeans\b|\bin (?:case|the event) of\b",
    re.IGNORECASE,
)
_DOCUMENT = re.compile(r"\burl=https?:|\brunbook", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z][\w.-]{2,}")
_IDENTIFIER = re.compile(r"\w[-_./]\w|\w\d")
_STOP_WORDS = frozenset(
    re.split(
        r"\s+",
        "the and for are was were with from this that what why how when where who which there "
        "here please show find get got see does did has have had not isn isnt its wrong issue "
        "problem problems explain investigate say next name namespace type kind pod logs log "
        "alert fired subject your you any all can could would should into out about last been "
        "being over some then than they them true false none null normal default unknown",
    )
)


@dataclass(frozen=True, slots=True)
class _Page:
    """A capture's lines that are not blank. `subject` is what its command and first lines name."""

    capture: Capture
    lines: tuple[LogLine, ...]
    subject: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Passage:
    """Lines of a page that belong together: from `start` up to `end`, as positions in it."""

    page: _Page
    start: int
    end: int
    score: float

    @property
    def line(self) -> LogLine:
        """The first line."""
        return self.page.lines[self.start]

    @property
    def text(self) -> str:
        """The passage verbatim; of one long line, the part with the sign of trouble."""
        if self.end - self.start == 1 and len(self.line.text) > MAX_TEXT_CHARS:
            return _excerpt(self.line.text)
        lines = self.page.lines[self.start : self.end]
        return "\n".join(line.text for line in lines).strip()


def read_capture(capture: Capture, query: str = "", limit: int = 15) -> ToolResult:
    """The `limit` most telling passages of one capture, and its head, in their order."""
    try:
        page = _open(capture)
    except ToolsError as error:
        return error_result(error)
    what = f"{capture.name}{f' ({capture.command})' if capture.command else ''}"
    if not page.lines:
        return ToolResult(Status.NO_DATA, f"Read {what}: it is empty.")
    passages = _passages([page], query)
    telling = [passage for passage in passages if passage.score >= _MIN_SCORE]
    chosen = sorted(telling, key=_rank)[:limit]
    known = {place for passage in chosen for place in range(passage.start, passage.end)}
    head = range(min(_HEAD_LINES, len(page.lines)))
    chosen.extend(_Passage(page, n, n + 1, 0.0) for n in head if n not in known)
    chosen.sort(key=lambda passage: passage.start)
    shown = sum(passage.end - passage.start for passage in chosen)
    parts = [
        f"Read {what}: {len(page.lines):,} lines, {len(telling):,} telling passages.",
        "" if capture.succeeded else "The command itself failed.",
        *(f"Note: {note}." for note in page.notes),
    ]
    return ToolResult(
        Status.OK,
        " ".join(part for part in parts if part),
        tuple(_finding(passage) for passage in chosen),
        omitted=len(page.lines) - shown,
    )


def survey_captures(
    captures: Iterable[Capture], query: str = "", limit: int = 15
) -> tuple[Finding, ...]:
    """The most telling passages over all captures, strongest first; like ones appear once.

    A capture that cannot be read is left out; `read_capture` says why.
    """
    pages: list[_Page] = []
    for capture in captures:
        with suppress(ToolsError):
            pages.append(_open(capture))
    masker = Masker()
    alike: dict[str, list[_Passage]] = {}
    for passage in sorted(_passages(pages, query), key=_rank):
        if passage.score >= _MIN_SCORE:
            alike.setdefault(_likeness(masker, passage.text), []).append(passage)
    return tuple(_finding(*same) for same in _spread(alike.values())[:limit])


def _spread(ranked: Iterable[list[_Passage]]) -> list[list[_Passage]]:
    """The ranked passages in an order in which no capture crowds out the others."""
    seen: Counter[str] = Counter()
    weighted: list[tuple[float, list[_Passage]]] = []
    for same in ranked:
        name = same[0].page.capture.name
        weighted.append((same[0].score * _REPEAT_FACTOR ** seen[name], same))
        seen[name] += 1
    weighted.sort(key=lambda item: -item[0])
    return [same for _, same in weighted]


def _open(capture: Capture) -> _Page:
    stream = read_lines(LogSource(capture.name, (capture.path,)), MAX_BYTES)
    lines = tuple(line for line in stream if line.text.strip())
    head = "\n".join(line.text for line in lines[:_HEAD_LINES])
    return _Page(capture, lines, f"{capture.command}\n{head}".lower(), tuple(stream.notes))


def _passages(pages: Sequence[_Page], query: str) -> list[_Passage]:
    """All lines of the pages, scored, with those joined that belong together."""
    scores = _scores(pages, query)
    return [
        passage for page, own in zip(pages, scores, strict=True) for passage in _joined(page, own)
    ]


def _scores(pages: Sequence[_Page], query: str) -> list[list[float]]:
    """The score of each line of each page: its own, its match with the question and the leads."""
    asked = _words(query)[:_MAX_QUERY_WORDS]
    subjects = [word for word in asked if _IDENTIFIER.search(word)]
    known: dict[str, float] = {}
    scores = [_page_scores(page, _named(subjects, pages), known) for page in pages]
    _raise(pages, scores, asked, 0.2)
    ranked = sorted(
        (
            (-score, line.text)
            for page, own in zip(pages, scores, strict=True)
            for line, score in zip(page.lines, own, strict=True)
            if score >= _LEAD_SCORE
        ),
    )
    _raise(pages, scores, [word for _, text in ranked[:_LEADS] for word in _words(text)], 0.15)
    return scores


def _named(subjects: Iterable[str], pages: Iterable[_Page]) -> list[str]:
    """The subjects of the question that a capture is about."""
    return [word for word in subjects if any(word in page.subject for page in pages)]


def _page_scores(page: _Page, subjects: Sequence[str], known: dict[str, float]) -> list[float]:
    factor = 1.0
    if not page.capture.succeeded:
        # A command that failed says less about the system than about the command.
        factor = 0.7
    elif _DOCUMENT.search(page.capture.command):
        factor = 0.5
    is_about = any(word in page.subject for word in subjects)
    scores: list[float] = []
    masker = Masker()
    for line in page.lines:
        # A page of thousands of lines is a log: its lines differ in nothing but their numbers.
        key = masker.mask(line.text) if len(page.lines) > _LONG_PAGE_LINES else line.text
        score = known.get(key)
        if score is None:
            score = known[key] = _own_score(line.text)
        if score and subjects and not is_about:
            text = line.text.lower()
            # A list of everything names many troubles that nobody asked about.
            score *= 1.0 if any(word in text for word in subjects) else 0.4
        scores.append(score * factor)
    return scores


def _own_score(line: str) -> float:
    text = _HEALTHY.sub(" ", line)
    score = 0.0
    if _STRONG.search(text):
        score = 0.75
    elif _PROBLEM.search(text):
        score = 0.55
    if _STATE.search(text):
        score = max(score + 0.1, 0.5)
    if not _EMPTY_VALUE.search(text):
        if _TELLING_KEY.search(text):
            return score + 0.2
        score += 0.35 * bool(_ONSET_KEY.search(text)) + 0.1 * bool(_FACT_KEY.search(text))
    return score * (0.4 if _PROSE.search(text) else 1.0)


def _words(text: str) -> list[str]:
    words = (word.lower().strip(".-_") for word in _WORD.findall(text))
    return list(dict.fromkeys(word for word in words if word not in _STOP_WORDS))


def _raise(
    pages: Sequence[_Page], scores: list[list[float]], words: Sequence[str], most: float
) -> None:
    """Raise the scores of lines that share words with the question or a lead, rare words most."""
    stems = list(dict.fromkeys(_stem(word) for word in words))
    if not stems:
        return
    pattern = re.compile("|".join(re.escape(stem) for stem in sorted(stems, key=len)[::-1]))
    found: list[tuple[list[float], int, set[str], bool]] = []
    for page, own in zip(pages, scores, strict=True):
        is_long = len(page.lines) > _LONG_PAGE_LINES
        for place, line in enumerate(page.lines):
            if is_long and not own[place]:
                continue
            shared = set(pattern.findall(line.text.lower()))
            if shared and not _EMPTY_VALUE.search(line.text):
                found.append((own, place, shared, bool(_FACT_KEY.search(line.text))))
    counts = Counter(stem for _, _, shared, _ in found for stem in shared)
    for own, place, shared, is_fact in found:
        weights = sorted((1 / (1 + math.log2(counts[stem])) for stem in shared), reverse=True)
        # A setting that the words name is what they are about, however often they occur.
        weight = 1.0 if is_fact else min(1.0, sum(weights[:3]))
        own[place] = min(1.0, own[place] + most * weight)


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.endswith("s") else word


def _joined(page: _Page, scores: Sequence[float]) -> list[_Passage]:
    """Telling lines that follow one another at one indentation are one passage."""
    passages: list[_Passage] = []
    for place, score in enumerate(scores):
        last = passages[-1] if passages else None
        if last is not None and _continues(last, place, score):
            joined = _Passage(page, last.start, place + 1, max(last.score, score))
            passages[-1] = joined
        else:
            passages.append(_Passage(page, place, place + 1, score))
    return passages


def _continues(last: _Passage, place: int, score: float) -> bool:
    if min(last.score, score) < _JOIN_SCORE or place - last.start >= _MAX_PASSAGE_LINES:
        return False
    above, below = last.page.lines[place - 1], last.page.lines[place]
    return (
        above.number + 1 == below.number
        and _indent(above.text) == _indent(below.text) > 0
        and len(above.text) + len(below.text) <= MAX_TEXT_CHARS // 2
    )


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _rank(passage: _Passage) -> tuple[float, int]:
    return (-passage.score, passage.line.number)


def _likeness(masker: Masker, text: str) -> str:
    """What two passages have in common that say the same: a long value, under whatever key."""
    value = _KEY.sub("", text).strip(" ,\"'")
    return masker.mask(value if len(value) > 20 else text)


def _excerpt(text: str) -> str:
    """The part of a long line around its first sign of trouble, verbatim."""
    match = _STRONG.search(text) or _PROBLEM.search(text) or _STATE.search(text)
    start = max(0, match.start() - MAX_TEXT_CHARS // 2) if match else 0
    return text[start : start + MAX_TEXT_CHARS].strip()


def _parents(passage: _Passage) -> list[str]:
    """The less indented lines above: where in the page or the object the passage stands."""
    parents: list[str] = []
    indent = _indent(passage.line.text)
    for line in reversed(passage.page.lines[: passage.start]):
        if _indent(line.text) < indent:
            indent = _indent(line.text)
            parents.append(line.text.strip().strip('",{[-').split("  ")[0].strip(' ":{[')[:40])
        if not indent:
            break
    return [parent for parent in reversed(parents) if parent]


def _finding(passage: _Passage, *alike: _Passage) -> Finding:
    capture = passage.page.capture
    parts = [capture.command] if capture.command else []
    parents = _parents(passage)
    if parents:
        parts.append("under " + " > ".join(parents[-3:]))
    elsewhere = Counter(other.page.capture.name for other in alike)
    if elsewhere:
        listed = ", ".join(list(elsewhere)[:3])
        more = f" and {len(elsewhere) - 3} more" if len(elsewhere) > 3 else ""
        parts.append(f"{elsewhere.total()} more like it in {listed}{more}")
    return Finding(
        "capture",
        capture.name,
        passage.text,
        passage.line.number,
        "; ".join(parts),
        round(passage.score, 3),
    )
