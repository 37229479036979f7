"""Judging one answer by rules: patterns, restarts, citations, and where the cause stood.

The rules are proxies. They are strict where a mistake would do harm (a restart that mends nothing,
a quotation that stands nowhere) and say what they compared, so that a person can disagree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.agent.advice import advises_restart
from assistant.evaluation.cases import Case
from assistant.events import Citation
from tools.bundle import open_bundle
from tools.errors import ToolsError
from tools.logs.reader import read_lines
from tools.scope import LogSource, Scope

# What code quotes is evidence, not advice.
_QUOTED = re.compile(r"```.*?```|^\s*>.*$", re.DOTALL | re.MULTILINE)
_PLACEHOLDER = re.compile(r"redacted-[a-z-]+-[0-9a-f]{6}")
_OWN_WORDS_END = re.compile(r"^\*\*(?:Evidence|Runbook|Seen before)\*\*|^\*Examined", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CauseRanks:
    """The cause's place among the facts (from 1; 0: nowhere), and whether the answer cites it."""

    rank: int
    is_cited: bool


def missing_patterns(answer: str, patterns: Sequence[str]) -> tuple[str, ...]:
    """The patterns that `answer` does not match."""
    return tuple(p for p in patterns if not re.search(p, answer, re.IGNORECASE))


def matched_patterns(answer: str, patterns: Sequence[str]) -> tuple[str, ...]:
    """The patterns that the answer's own words match although they must not."""
    own = own_words(answer)
    return tuple(p for p in patterns if re.search(p, own, re.IGNORECASE))


def own_words(answer: str) -> str:
    """What the answer says itself: without quotations, and without the evidence below it."""
    end = _OWN_WORDS_END.search(answer)
    return _QUOTED.sub(" ", answer[: end.start()] if end else answer)


def recommends_restart(answer: str) -> bool:
    """Whether the answer's own words advise to restart something."""
    return advises_restart(own_words(answer))


def invalid_citations(case: Case, citations: Sequence[Citation]) -> tuple[str, ...]:
    """The ids of log and capture citations whose text does not stand verbatim in the bundle.

    A citation with a line has to stand at that line.
    """
    if case.bundle is None:
        return ()
    try:
        scope = open_bundle(case.bundle)
    except ToolsError:
        return ()
    return tuple(cited.id for cited in citations if not _stands(scope, cited))


def _stands(scope: Scope, citation: Citation) -> bool:
    source = _source(scope, citation)
    if source is None:
        return citation.kind not in ("log", "capture")
    wanted = citation.text.splitlines() or [""]
    lines = {line.number: line.text for line in read_lines(source)}
    starts = [citation.line] if citation.line else list(lines)
    return any(_stands_at(lines, start, wanted) for start in starts)


def _source(scope: Scope, citation: Citation) -> LogSource | None:
    if citation.kind == "log":
        return scope.logs.get(citation.source)
    if citation.kind == "capture" and citation.source in scope.captures:
        capture = scope.captures[citation.source]
        return LogSource(capture.name, (capture.path,))
    return None


def _stands_at(lines: dict[int, str], start: int, wanted: Sequence[str]) -> bool:
    """Whether `wanted` stands from line `start` on; blank lines between do not matter."""
    following = (
        lines[n] for n in range(start, start + 3 * len(wanted)) if lines.get(n, "").strip()
    )
    return (
        all(_is_in(part.strip(), line) for part, line in zip(wanted, following, strict=False))
        and start in lines
    )


def _is_in(part: str, line: str) -> bool:
    """Whether `part` stands in `line`, in which secrets stand as they were."""
    if part in line:
        return True
    between = ".*?".join(map(re.escape, _PLACEHOLDER.split(part)))
    return _PLACEHOLDER.search(part) is not None and re.search(between, line) is not None


def cause_ranks(
    case: Case, evidence: Sequence[Citation], cited: Sequence[Citation]
) -> CauseRanks | None:
    """Where the cause stood in `evidence` (strongest suspicion first); None where no rule can say.

    A case that does not name the lines of its cause is held against its patterns: the rank is then
    that of the entry with which all of them have been matched.
    """
    facts = [item for item in evidence if item.kind not in ("runbook", "incident")]
    if case.cause:
        rank = next((n for n, item in enumerate(facts, 1) if _shows_cause(case, item)), 0)
        return CauseRanks(rank, any(_shows_cause(case, item) for item in cited))
    if not case.patterns:
        return None
    texts = [item.text for item in facts]
    whole = (
        n
        for n in range(1, len(texts) + 1)
        if not missing_patterns("\n".join(texts[:n]), case.patterns)
    )
    quoted = "\n".join(item.text for item in cited)
    return CauseRanks(next(whole, 0), not missing_patterns(quoted, case.patterns))


def _shows_cause(case: Case, item: Citation) -> bool:
    return any(re.search(cause.pattern, item.text, re.IGNORECASE) for cause in case.cause)
