"""Severity: what the words of a message say about trouble, whatever level it claims.

Programs log outages at INFO and routine retries at ERROR, and many logs have no levels at all. The
words here are general ones of the trade; nothing knows a particular product's messages.
"""

from __future__ import annotations

import re

from tools.logs.records import Level

_CRASH = re.compile(
    r"\bpanic(?:ked)?\b|\bFATAL\b|\bfatal(?: error)?:|out ?of ?memory|\boom[-_ ]?kill|OOMKilled"
    r"|\bsegfault\b|segmentation fault|core dumped|kernel BUG|stack overflow|\bcrash(?:ed|ing)?\b"
    r"|CrashLoop|no space left|\bcorrupt(?:ed|ion)?\b|\bdata loss\b",
    re.IGNORECASE,
)
_EXCEPTION = re.compile(
    r"\b[A-Z]\w*(?:Exception|Error)\b|^Traceback |\b(?:unhandled|uncaught)\b|\bE(?:TIMEDOUT|CONN"
    r"(?:REFUSED|RESET|ABORTED)|HOSTUNREACH|NETUNREACH|PIPE|NOENT|NOSPC|MFILE|ACCES|PERM)\b"
)
_ERROR = re.compile(
    r"\berror(?:s|ed)?\b|\bfail(?:s|ed|ure|ures|ing)?\b|\brefused\b|\bdenied\b|\bunable to\b"
    r"|\bcould ?n[o']t\b|\bcould not\b|\bcannot\b|\bcan't\b|\bundefined\b|\bunreachable\b"
    r"|\bnot found\b|\bno such\b|\baborted\b|\bkilled\b|\bforbidden\b|\bunauthorized\b"
    r"|\b(?:does ?n[o']t|doesn't|does not) (?:have|exist)\b|\bviolat\w+|\bexhausted\b",
    re.IGNORECASE,
)
_WARN = re.compile(
    r"\bwarn(?:ing)?\b|\btime[d-]? ?out\b|\btimeouts?\b|\bdown\b|\blost\b|\bexceed\w*|\bexpired?\b"
    r"|\binvalid\b|\breject\w*|\bmissing\b|\bunavailable\b|\bretry(?:ing)?\b|\bretries\b"
    r"|\bthrottl\w+|\bdegraded\b|\bunhealthy\b|\bdropp(?:ed|ing)\b|\bdisconnect\w*|\bslow\b"
    r"|\bback-?off\b|\bleak\w*|\btoo many\b|\bstuck\b|\bdeadlock\w*|\bevict\w*|\boverload\w*"
    r"|\bstill waiting\b|\bbad\b|\bcritical\b|\bunexpected\b|\bunknown\b|\brestart(?:ed|ing)\b"
    r"|\balert\b|\bnot (?:ready|available|running|responding|installed)\b",
    re.IGNORECASE,
)
# "0 errors" is the opposite of an error.
_DENIED = re.compile(
    r"\b(?:no|zero|without(?: any)?|0) (?:errors?|fail(?:ures?|ed)|warnings?|problems?|timeouts?)\b"
    r"|\b[\w.]*(?:error|fail|timeout|warn|denied|reject|retr|drop|exception|kill)\w*"
    r"[\"']?\s*[=:]\s*[\"']?(?:0\b|null|none|nil|false|\"\"|<none>|\[\]|\{\})"
    r"|\b(?:timeout|retry|retries|backoff|restart|failure|error)\w*(?:[-_]\w+)?[=:]\s*\d[\w.]*"
    r"|\bshut(?:ting)? ?down\b|\bno-?error\b|--?\w*(?:error|fail|timeout|retry)\w*",
    re.IGNORECASE,
)


# A visitor who asks for what is not there, in the words of web servers.
_CLIENTS_MISTAKE = re.compile(
    r"(?:no such file|not found|does not exist|is forbidden|access forbidden)\b.*"
    r"\"(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH) \S+ HTTP/|\bFile does not exist: /",
    re.IGNORECASE,
)


def effective_level(declared: Level | None, message: str) -> Level | None:
    """The level that a message deserves: `declared`, raised by what its words say.

    A message without a level gets one from its words alone; one with a level is raised only by a
    crash or an exception, because "retrying after error" at INFO is often the healthy path.
    """
    text = _DENIED.sub(" ", message)
    if _CRASH.search(text):
        return Level.ERROR if declared is not None and declared < Level.ERROR else Level.FATAL
    if declared is not None:
        if declared == Level.ERROR and _CLIENTS_MISTAKE.search(text):
            return Level.WARN
        is_raised = declared < Level.WARN and _EXCEPTION.search(text)
        return Level.WARN if is_raised else declared
    if _EXCEPTION.search(text) or _ERROR.search(text):
        return Level.ERROR
    return Level.WARN if _WARN.search(text) else None


def names_problem(message: str) -> bool:
    """Whether the words of `message` speak of trouble at all."""
    text = _DENIED.sub(" ", message)
    return any(words.search(text) for words in (_CRASH, _EXCEPTION, _ERROR, _WARN))
