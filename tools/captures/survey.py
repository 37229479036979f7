"""The most telling passages of captures: their own scores, weighed by what was asked.

Lines of the things that were asked about come before those of others; words of the question and of
the strongest leads lift the lines that share them; settings that explain a lead follow it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from tools.captures.board import Board
from tools.captures.links import Explanations, implied_words
from tools.captures.page import HEAD_LINES, Page, open_page
from tools.captures.passages import Passage
from tools.captures.scoring import is_document, is_failure
from tools.errors import ToolsError
from tools.evidence import Finding
from tools.logs.templates import Masker
from tools.result import Status, ToolResult, error_result
from tools.scope import Capture

_MAX_QUERY_WORDS = 24
_MIN_SCORE = 0.12
_LEAD_SCORE = 0.6
_LEADS = 6
_QUESTION_BONUS = 0.2
_LEAD_BONUS = 0.15
# A setting that explains a lead stands this much below it.
_SETTING_STEP = 0.1
# Each further passage of one capture counts this much less, so that none fills the list alone.
_REPEAT_FACTOR = 0.93
_OTHER_FACTOR = 0.4
_OTHER_PAGE_FACTOR = 0.8
_RELATED_FACTOR = 0.95
_RELATED_LOG_FACTOR = 0.6
_FAILED_FACTOR = 0.35
_FAILED_ALONE_FACTOR = 0.5
_FAILED_SYSTEM_FACTOR = 0.75
_ENOUGH = 0.4

# What a failed command says about the system, not about the command.
_TELLS_OF_SYSTEM = re.compile(
    r"have a resource type|no matches for kind|connection refused|x509|unauthorized|forbidden"
    r"|no such host|timed? ?out|service unavailable|certificate|api not available",
    re.IGNORECASE,
)
_NAMESPACE = re.compile(r"(?:\bnamespace[=:]|(?:^|\s)-n)\s*([\w.-]+)")
_OWN_NAME = re.compile(r"(?:\bname=|^name:\s+)([\w.-]{3,})", re.MULTILINE)
_NAME_PART = re.compile(r"[\w.-]{3,}")
_OF_ONE_OBJECT = re.compile(
    r"\b(?:pod_?|resource_|app_|job_)?name=|^name:\s|describe|lineage", re.M
)
_OF_OBJECTS = re.compile(
    r"\bkubectl|\bget_by_kind|find_resource|\bdocker|\bhelm|\bargocd|^name\s", re.M
)
_REPLICA_HASH = re.compile(r"(?:-[a-f0-9]{6,10})?-[a-z0-9]{5}$")
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


def survey_captures(
    captures: Iterable[Capture], query: str = "", limit: int = 15, *, now: datetime | None = None
) -> tuple[Finding, ...]:
    """The most telling passages over all captures, strongest first; like ones appear once.

    `now` is the moment that expiry and ages are judged at. A capture that cannot be read is left
    out; `read_capture` says why.
    """
    pages: list[Page] = []
    for capture in captures:
        with suppress(ToolsError):
            pages.append(open_page(capture, now))
    masker = Masker()
    alike: dict[str, list[Passage]] = {}
    for passage in sorted(_weighed(pages, query), key=lambda passage: passage.rank):
        if passage.score >= _MIN_SCORE:
            alike.setdefault(passage.likeness(masker), []).append(passage)
    return tuple(_finding(*same) for same in _spread(alike.values())[:limit])


def read_capture(
    capture: Capture, query: str = "", limit: int = 15, *, now: datetime | None = None
) -> ToolResult:
    """The `limit` most telling passages of one capture, and its head, in their order."""
    try:
        page = open_page(capture, now)
    except ToolsError as error:
        return error_result(error)
    what = f"{capture.name}{f' ({capture.command})' if capture.command else ''}"
    if page.is_empty:
        return ToolResult(Status.NO_DATA, f"Read {what}: it is empty.")
    telling = [passage for passage in _weighed([page], query) if passage.score >= _MIN_SCORE]
    chosen = sorted(telling, key=lambda passage: passage.rank)[:limit]
    known = {place for passage in chosen for place in range(passage.start, passage.end)}
    chosen.extend(Passage(page, n, n + 1, 0.0) for n in _head(page) if n not in known)
    chosen.sort(key=lambda passage: passage.start)
    shown = sum(passage.end - passage.start for passage in chosen)
    num_lines = sum(bool(line.strip()) for line in page.lines)
    parts = [
        f"Read {what}: {num_lines:,} lines, {len(telling):,} telling passages.",
        "" if capture.succeeded else "The command itself failed.",
        *(f"Note: {note}." for note in page.notes),
    ]
    return ToolResult(
        Status.OK,
        " ".join(part for part in parts if part),
        tuple(_finding(passage) for passage in chosen),
        omitted=max(0, num_lines - shown),
    )


def _head(page: Page) -> list[int]:
    return [place for place, line in enumerate(page.lines) if line.strip()][:HEAD_LINES]


def _weighed(pages: Sequence[Page], query: str) -> list[Passage]:
    """All passages of the pages, by their own scores, the question and the leads."""
    board = Board(pages)
    asked = _words(query)[:_MAX_QUERY_WORDS]
    subjects = _subjects(asked, pages)
    related = _related(subjects, pages)
    for number, page in enumerate(pages):
        own = board.passages[number]
        board.weigh(number, _subject_factors(page, own, subjects, related))
    _weigh_failures(board)
    board.raise_shared([*map(_stem, asked), *implied_words(query)], _QUESTION_BONUS)
    leads = board.leads(_LEAD_SCORE, _LEADS)
    words = [_stem(word) for lead in leads for word in _words(lead.text)]
    board.raise_shared(list(dict.fromkeys(words)), _LEAD_BONUS, leads)
    _raise_explanations(board, query, leads, subjects)
    return list(board)


def _subjects(asked: Iterable[str], pages: Sequence[Page]) -> list[str]:
    """The names in the question that a capture is about, and the names of their owners."""
    named = [
        word
        for word in asked
        if _IDENTIFIER.search(word) and any(word in page.subject for page in pages)
    ]
    spaces = {name for page in pages for name in _NAMESPACE.findall(page.subject)}
    subjects = [word for word in named if word not in spaces] or named
    owners = [_REPLICA_HASH.sub("", word) for word in subjects]
    return list(dict.fromkeys([*subjects, *owners]))


def _related(subjects: Sequence[str], pages: Sequence[Page]) -> list[str]:
    """The objects with a page of their own that the pages about the subjects speak of.

    A volume that a pod claims, the node that it runs on, the service that it calls.
    """
    about = [p for p in pages if not p.is_log and any(word in p.subject for word in subjects)]
    words = {word for page in about for line in page.lines for word in _NAME_PART.findall(line)}
    names = [name for page in pages for name in _OWN_NAME.findall(page.subject)]
    return [name for name in dict.fromkeys(names) if name in words]


def _subject_factors(
    page: Page, passages: Sequence[Passage], subjects: Sequence[str], related: Sequence[str]
) -> list[float]:
    if not subjects or any(word in page.subject for word in subjects):
        return [1.0] * len(passages)
    hosts = {(o.start, o.end, o.note) for o, is_host in page.observations if is_host}
    factor = _other_factor(page, related)
    return [
        1.0
        if (p.start, p.end, p.note) in hosts or any(word in p.text.lower() for word in subjects)
        else factor
        for p in passages
    ]


def _other_factor(page: Page, related: Iterable[str]) -> float:
    """How much a page counts that is not about what was asked about."""
    if any(word in page.subject for word in related):
        return _RELATED_LOG_FACTOR if page.is_log else _RELATED_FACTOR
    is_of_others = _OF_ONE_OBJECT.search(page.subject) or _OF_OBJECTS.search(page.subject)
    return _OTHER_FACTOR if is_of_others else _OTHER_PAGE_FACTOR


def _weigh_failures(board: Board) -> None:
    """A command that failed says more about itself than about the system, if anything else does."""
    failed = [is_failure(page) for page in board.pages]
    others = [
        passage.score
        for own, is_failed in zip(board.passages, failed, strict=True)
        if not is_failed
        for passage in own
    ]
    has_others = max(others, default=0.0) >= _ENOUGH
    for number, is_failed in enumerate(failed):
        if is_failed:
            own = board.passages[number]
            board.weigh(number, [_failure_factor(p, has_others=has_others) for p in own])


def _failure_factor(passage: Passage, *, has_others: bool) -> float:
    if _TELLS_OF_SYSTEM.search(passage.text):
        return _FAILED_SYSTEM_FACTOR if has_others else 1.0
    return _FAILED_FACTOR if has_others else _FAILED_ALONE_FACTOR


def _raise_explanations(
    board: Board, query: str, leads: Sequence[Passage], subjects: Sequence[str]
) -> None:
    """Lift the settings that explain the leads, or what the question names, to just below them."""
    explanations = Explanations([query, *(f"{lead.text}\n{lead.note}" for lead in leads)])
    if not explanations:
        return
    top = leads[0].score if leads else _LEAD_SCORE
    pages = {id(lead.page) for lead in leads}
    for number, page in enumerate(board.pages):
        is_about = id(page) in pages or any(word in page.subject for word in subjects)
        if is_document(page) or page.is_log or not (is_about or not subjects):
            continue
        for place, line in enumerate(page.lines):
            note = explanations.note(line) if "<none>" not in line and ":" in line else ""
            if note:
                board.explain(number, place, note, top - _SETTING_STEP)


def _words(text: str) -> list[str]:
    words = (word.lower().strip(".-_") for word in _WORD.findall(text))
    return list(dict.fromkeys(word for word in words if word not in _STOP_WORDS))


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.endswith("s") else word


def _spread(ranked: Iterable[list[Passage]]) -> list[list[Passage]]:
    """The ranked passages in an order in which no capture crowds out the others."""
    seen: Counter[str] = Counter()
    weighted: list[tuple[float, list[Passage]]] = []
    for same in ranked:
        name = same[0].page.capture.name
        weighted.append((same[0].score * _REPEAT_FACTOR ** seen[name], same))
        seen[name] += 1
    weighted.sort(key=lambda item: -item[0])
    return [same for _, same in weighted]


def _finding(passage: Passage, *alike: Passage) -> Finding:
    capture = passage.page.capture
    parts = [passage.note] if passage.note else []
    parts += [capture.command] if capture.command else []
    parents = passage.parents
    if parents:
        parts.append("under " + " > ".join(parents[-3:]))
    elsewhere = Counter(other.page.capture.name for other in alike)
    if elsewhere:
        listed = ", ".join(list(elsewhere)[:3])
        more = f" and {len(elsewhere) - 3} more" if len(elsewhere) > 3 else ""
        parts.append(f"{elsewhere.total()} more like it in {listed}{more}")
    parts += [f"of a large capture: {note}" for note in passage.page.notes[:1]]
    return Finding(
        "capture",
        capture.name,
        passage.text,
        passage.number,
        "; ".join(parts),
        round(passage.score, 3),
    )
