"""What comes first among findings: a reason before what it led to.

Suspicion says how unusual a finding is. What a person wants to read first is why, and the loudest
findings are often only that: a gateway's 502, a client that could not reach its database, a queue
that grows because nobody empties it, a line that somebody wrote to be obeyed. Each of them counts
less while the finding that explains it, or says more, is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import PurePath

from tools.evidence import Evidence, Finding
from tools.logs.records import RecordParser

# From here on a log line says why; below it, it may say anything.
_REASON = 0.5
# From here on a finding of another source may be what a client complains of.
_CULPRIT = 0.6
# From here on a finding is worth reading before words that are meant for the reader.
_LEAD = 0.3
_OUTCOME_LESS = 0.2
_SAME_MOMENT = timedelta(seconds=10)

_OUTCOME_NOTE = re.compile(
    r"\b(?:is|are) (?:Failed|Error|failed|CrashLoopBackOff|Pending|NotReady|Degraded|Missing)\b"
    r"|\bended (?:with|again)|\bends again|\bit failed\b|\bpods? of \S+ failed\b|\bBackoffLimit"
    r"|\bexit code \d|\bBackOff event\b|\banswers with error \d"
)
_OUTCOME_TEXT = re.compile(
    r"^\s*\"?(?:Ready|ContainersReady|Available|Status|reason|phase)\"?:\s+"
    r"\"?(?:False|Failed|CrashLoopBackOff|Error|Pending)\b",
    re.IGNORECASE,
)
# As access logs write it: behind the status nothing but figures, quotations and fields.
_REFUSED_REQUEST = re.compile(
    r"\"[A-Z]{3,7} \S+ HTTP/[\d.]+\" [45]\d\d(?: (?:[\d.,:-]+|\"[^\"]*\"|\w+=\S+))*$"
)
_REQUEST_FIELDS = {"path", "url", "uri", "method", "route"}
_REASON_FIELDS = {"error", "err", "exception", "reason", "error.message", "cause", "stack"}
_UNANSWERED = re.compile(
    r"refused|unreachable|timed?[ -]?out|did not answer|no answer|unavailable|no such host"
    r"|could not (?:connect|resolve)|error \d+ connecting"
    r"|connection (?:\S+ ){0,8}(?:failed|reset|closed)",
    re.IGNORECASE,
)
_SILENCE = re.compile(r"\bthen never again\b")
_GROWTH = re.compile(r"\brose from\b|\breached\b")
_LOCK_HOLDER = re.compile(r"\bkeeps? its locks\b")
_LOCKED_OUT = re.compile(
    r"statement timeout|lock (?:wait )?timeout|waiting for \w*lock|lock not available",
    re.IGNORECASE,
)
_NO_ROOM = re.compile(
    r"no space left|\bENOSPC\b|disk (?:is )?full|too many open files|\bEMFILE\b"
    r"|(?:cannot|can't|failed to) allocate memory|\bENOMEM\b|quota exceeded",
    re.IGNORECASE,
)
_SPENT = re.compile(
    r"\b(?:9[5-9]|100)(?:\.\d+)? ?% (?:full|of (?:its|the) (?:inodes|limit|files|space|memory))\b"
    r"|\bno room for\b"
)
# What a machine does not write of itself: a chat template's tokens, a call of a tool, words to
# whoever reads the log.
_ADDRESSED = re.compile(
    r"<\|?/?(?:im_(?:start|end)|system|user|assistant|tool_call|start_of_turn|end_of_turn|eot_id)"
    r"|\[/?INST\]"
    r"|\bignore (?:all|any|the|previous|your|every)\b.{0,40}\b(?:instruction|above|rule|prompt)"
    r"|\byou are (?:now|in|an? (?:ai|assistant|agent))\b|\bas an? (?:ai|assistant)\b"
    r"|\bdo not (?:page|mention|tell|report|alert|escalate|wake|inform)\b"
    r"|\b(?:pre-?approved|approved by (?:the )?(?:sre|operator|admin|user))\b"
    r"|\b(?:system|operator) (?:prompt|message|instruction|note)s?: |\bassistant: "
    r"|\bsystem: (?:restart|stop|ignore|delete|run|execute|print|send|disable|scale|treat|you)\b",
    re.IGNORECASE,
)
_LATENCY = re.compile(r"\b(?:ms|seconds|duration\w*|took|latency)\b.* rose from\b")
# Where an address stands for a server by custom.
_PORTS = {
    "3306": "mysql",
    "5432": "postgres",
    "5672": "rabbit",
    "6379": "redis",
    "9092": "kafka",
    "9200": "elastic",
    "11211": "memcache",
    "27017": "mongo",
}
_MIN_NAME_CHARS = 3
# Only the year of a stamp without one depends on it.
_REFERENCE = datetime(2000, 1, 1, tzinfo=UTC)


def weight_among(evidence: Sequence[Evidence]) -> Callable[[Evidence], float]:
    """What orders the findings: their suspicion, less where another of them explains it."""
    explained = {item.id for item in evidence if _is_explained(item.finding, evidence)}

    def weigh(item: Evidence) -> float:
        return item.finding.suspicion - (_OUTCOME_LESS if item.id in explained else 0.0)

    return weigh


def explaining(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """The findings that no other of them explains, in their order; all when none would be left."""
    left = tuple(item for item in evidence if not _is_explained(item.finding, evidence))
    return left or tuple(evidence)


def _is_explained(finding: Finding, evidence: Sequence[Evidence]) -> bool:
    others = [item.finding for item in evidence if item.finding is not finding]
    return (
        (_is_outcome(finding) and any(map(_is_reason, others)))
        or (_is_complaint(finding) and any(_is_culprit(other, finding) for other in others))
        or (_is_growth(finding) and any(_stopped_before(other, finding) for other in others))
        or (_is_addressed(finding) and any(map(_is_lead, others)))
        or (_is_without_room(finding) and any(_SPENT.search(other.note) for other in others))
        or (_is_locked_out(finding) and any(_LOCK_HOLDER.search(other.note) for other in others))
    )


def _is_outcome(finding: Finding) -> bool:
    """Whether it says that something failed, and nothing of why."""
    if finding.kind == "log":
        return _is_request(finding.text)
    return bool(_OUTCOME_NOTE.search(finding.note) or _OUTCOME_TEXT.search(finding.text))


def _is_reason(finding: Finding) -> bool:
    return finding.kind == "log" and finding.suspicion >= _REASON and not _is_request(finding.text)


def _is_request(line: str) -> bool:
    """Whether a line tells of a request and its status, without a reason."""
    if _REFUSED_REQUEST.search(line):
        return True
    fields = RecordParser(_REFERENCE).parse(line.splitlines()[0]).fields if line else {}
    names = {name.lower() for name in fields}
    return "status" in names and bool(names & _REQUEST_FIELDS) and not names & _REASON_FIELDS


def _is_complaint(finding: Finding) -> bool:
    return finding.kind in ("log", "capture") and bool(_UNANSWERED.search(finding.text))


def _is_culprit(other: Finding, complaint: Finding) -> bool:
    """Whether `other` tells of trouble in the very thing that `complaint` could not reach."""
    if other.kind != "log" or other.source == complaint.source or other.suspicion < _CULPRIT:
        return False
    text = complaint.text.lower()
    name = PurePath(other.source).name.split(".")[0].lower()
    is_named = len(name) >= _MIN_NAME_CHARS and re.search(rf"\b{re.escape(name)}\b", text)
    by_port = any(
        name.startswith(server) and re.search(rf"[:.]{port}\b", text)
        for port, server in _PORTS.items()
    )
    return bool(is_named) or by_port


def _is_growth(finding: Finding) -> bool:
    return finding.kind in ("log", "metric") and bool(_GROWTH.search(finding.note))


def _stopped_before(other: Finding, growth: Finding) -> bool:
    """Whether `other` fell silent when or before `growth` began."""
    if other.suspicion < _CULPRIT or not _SILENCE.search(other.note):
        return False
    if other.at is None or growth.at is None:
        return False
    return other.at <= growth.at + _SAME_MOMENT


def _is_addressed(finding: Finding) -> bool:
    """Whether it speaks to its reader: what a machine says of itself comes first."""
    return finding.kind in ("log", "capture") and bool(_ADDRESSED.search(finding.text))


def _is_lead(other: Finding) -> bool:
    return other.suspicion >= _LEAD and not _is_addressed(other)


def _is_without_room(finding: Finding) -> bool:
    """Whether a program only says that it got no more of something."""
    return finding.kind == "log" and bool(_NO_ROOM.search(finding.text))


def _is_locked_out(finding: Finding) -> bool:
    """Whether it only shows that something waited: for a lock, as far as can be told."""
    if finding.kind == "log" and _LOCKED_OUT.search(finding.text):
        return True
    return bool(_LATENCY.search(finding.note))
