"""What the words of a line say about trouble, for lines that no form of output explains.

The words are general ones of the trade; nothing here knows a particular product's messages. A
sentence says why, a state of one word only that: so sentences weigh more.
"""

from __future__ import annotations

import re
from functools import lru_cache

_STRONG = re.compile(
    r"\bOOM|out of memory|ImagePullBackOff|ErrImage\w+|\bEvicted\b|\bpanic\b|\bfatal\b"
    r"|no space left|x509|certificate (?:has )?expired|syntax error|segfault"
    r"|\bFailed(?:Scheduling|Mount|Create|Attach)\w*|BackoffLimitExceeded|DeadlineExceeded"
    r"|read-only file system|undefined|could ?n[o']t resolve|could not resolve|no such host"
    r"|connection refused|permission denied|access denied"
    r"|too many (?:open files|connections|clients)"
    r"|exceeded quota|disk quota|table full|I/O error|soft lockup|blocked for more than"
    r"|deadlock detected|low on resource|authentication failed|\bforbidden\b|name resolution"
    r"|have a resource type|no matches for kind|duplicate key|address already in use",
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
    r"|OutOfSync|\bthrottl\w+|\bunauthorized\b|\binvalid\b|\bconflict\b|\bstuck\b"
    r"|\bcorrupt\w*|\blost\b|\brejected\b|\binsufficient\b|\bunschedulable\b"
    r"|\bnot (?:ready|running|available|installed|active|enough|allowed|permitted)\b"
    r"|\bEXITED\b|\bSTOPPED\b|\bexception\b|\btraceback\b|\babort\w*|\bovercommit\w*",
    re.IGNORECASE,
)
_STATE = re.compile(
    r"\b(?:Ready|Available|Healthy|Initialized|PodScheduled|ContainersReady|Synced|Active|Running"
    r"|enabled|reachable|success|ok)\"?[:=\s]\s*\"?False\b"
    r"|Pressure\"?[:=\s]\s*\"?True\b|\b(?:failed|unhealthy|degraded)\"?[:=]\s*\"?true\b"
    r"|\bexit(?:ed)?[ _-]?(?:code|status)\"?[:=\s(]\s*\"?-?[1-9]\d*|\breturn code [1-9]"
    r"|status=[1-9]|(?<![\d./])0/[1-9]\d*\b|\b(?:9[0-9]|100)%"
    r"|\brestart(?:s|[ _]?count)\"?[:=]\s*[1-9]"
    r"|\b[1-9]\d* (?:failed|unavailable|unhealthy)\b",
    re.IGNORECASE,
)
# What looks like trouble and is the absence of it, the name of a setting, or an address.
_HEALTHY = re.compile(
    r"https?://\S+|\bseverity\W+\w+"
    r"|\b(?:no|0|zero|without(?: any)?) (?:errors?|failures?|failed|warnings?|unavailable)\b"
    r"|[\w.-]{0,40}(?:error|fail|warn|timeout|restart|denied|missing|retr|backoff|unavailable)[\w.-]{0,40}\"?"
    r"\s*[:=]\s*\"?(?:0\b|null|none|nil|false|\"|<none>|\[\]|\{\}|\d+m?s\b)"
    r"|#failure=\d+|timeout=\w+|failureThreshold\S*|restartPolicy\S*|max unavailable"
    r"|node\.kubernetes\.io/\S+|Pressure\s+False|terminationMessage\w+|onError\w*|--?\w*error\w*"
    r"|(?:unschedulable|unhealthy|degraded|killed|dead)\"?\s*:\s*false|default-http-backend\S*"
    r"|\bnon-terminated\b"
    r"|error_message\"?: null|backoff ?limit\"?:\s+\d+|\"failure\": true",
    re.IGNORECASE,
)
_FACTS = (
    r"limits?|requests?|cpu|memory|node-?selectors?|taints|tolerations|image|command|args"
    r"|environment|service account|capacity|allocatable|selector|labels|liveness|readiness|startup"
    r"|storage-?class(?:name)?|claimname|ingress-?class(?:name)?|schedule|hard|used"
)
_ANY_KEY = re.compile(
    r"^\W*(?:(?P<telling>title|description|summary|message|reason|alertname|last state"
    r"|status|phase|state|conditions?|health[ _]status|sync[ _]status|datetime)"
    r"|(?P<onset>starts?_?at|start[ _]time|since|active_?since)"
    rf"|(?P<fact>{_FACTS}))\"?\s*[:=]",
    re.IGNORECASE,
)
_FACT_KEY = re.compile(rf"^\W*(?:{_FACTS})\"?\s*[:=]", re.IGNORECASE)
_STATE_KEY = re.compile(r"^\W*(?:health |sync |last )?(?:status|state|phase)\"?\s*[:=]", re.I)
_VALUE = re.compile(r"^\W*[\w .-]{1,30}\"?\s*[:=]\s*\"?(.*?)[\"',]*\s*$")
_EMPTY_VALUE = re.compile(r"[:=]\s*\"?(?:<none>|<unset>|null|none|\{\}|\[\])?\"?,?\s*$", re.I)
# Advice and documentation, not observation.
_PROSE = re.compile(
    r"^\W*(?:check|ensure|verify|try|make sure|consider|possible|if|when|in case|for example|see"
    r"|note|run|use|add|remove|set)\b|\b(?:may|might|could be|should|can be|will|e\.g\.)\b"
    r"|\bmeans\b|\bin (?:case|the event) of\b|^- (?:pod|container|logs) \w+ not\b",
    re.IGNORECASE,
)
# The frame around a failed command's own words, and an API's refusal of what was asked of it.
_WRAPPER = re.compile(
    r"^(?:ERROR: )?Command `.*` failed with (?:return|exit) code|^Output:$"
    r"|\"kind\": ?\"Status\".*\"status\": ?\"Failure\""
)
# A line is worth a closer look when one of its words begins so.
_TROUBLE = re.compile(
    r"^(?:oom|out$|imagepull|errimage|evict|panic|fatal|space|x$|certificate|syntax|segf|fail|backoff"
    r"|deadline|undefin|resolv|could|refus|permission|denied|many|quota|full|error|lockup|block"
    r"|deadlock|low$|authent|forbid|resolution|resource$|match|duplic|address|warn|pending|crash"
    r"|back$|exceed|expir|not|no$|cannot|can$|unable|did|does|do$|missing|unhealthy|degrad"
    r"|time$|timed$|timeout|unreach|unavail|kill|dead|inactiv|terminat|outofsync|throttl|unauth"
    r"|invalid|conflict|stuck|corrupt|lost|reject|insuffic|unsched|stopp|exit|exception|traceback"
    r"|abort|overcommit|host$|read$)"
)
_TELLING = re.compile(
    r"^(?:false|true|return|status|restart|title|descript|summar|message|reason|alertname|last$"
    r"|phase|state$|condition|health|sync$|datetime|start|since|active|limit|request|cpu|memory"
    r"|node|taint|tolerat|image|command|args|environ|service|capacity|alloc|selector|label"
    r"|liveness|readiness|startup|storage|claimname|ingress|schedule|hard$|used$)"
)
_DIGIT_STATE = re.compile(r"\b(?:9\d|100)%|(?<![\d./])0/[1-9]")


@lru_cache(maxsize=20_000)
def _is_trouble(word: str) -> bool:
    return bool(_TROUBLE.match(word))


@lru_cache(maxsize=20_000)
def _is_telling(word: str) -> bool:
    return bool(_TELLING.match(word))


def telling_words(vocabulary: frozenset[str], *, is_log: bool) -> list[str]:
    """The words of a page that make a line worth a closer look.

    In a log only words of trouble do; elsewhere names of states and settings, too.
    """
    return [word for word in vocabulary if _is_trouble(word) or (not is_log and _is_telling(word))]


def has_digit_state(text: str) -> bool:
    """Whether a share or a count in `text` may be bad without any word (`98%`, `0/3`)."""
    return bool(_DIGIT_STATE.search(text))


def own_score(line: str) -> float:
    """How much `line` alone speaks of trouble, 0 to 1."""
    if _WRAPPER.search(line):
        return 0.12
    score, text = _trouble(line), line
    if score:
        text = _HEALTHY.sub(" ", line)
        score = _trouble(text)
    return _keyed(text, score) * (0.4 if score and _PROSE.search(text) else 1.0)


def _trouble(text: str) -> float:
    score = 0.0
    if _STRONG.search(text):
        score = 0.75
    elif _PROBLEM.search(text):
        score = 0.55
    return max(score + 0.1, 0.5) if _STATE.search(text) else score


def _keyed(text: str, score: float) -> float:
    """The score of a line that may be a key and its value."""
    key = _ANY_KEY.match(text)
    if key is None or _EMPTY_VALUE.search(text):
        return score
    if key["telling"]:
        return min(score + 0.15, 0.62) if _is_state(text) else score + 0.2
    return score + (0.35 if key["onset"] else 0.1)


def _is_state(text: str) -> bool:
    """Whether a key holds a state: by its name, or because its value is a word or two."""
    value = _VALUE.match(text)
    return bool(_STATE_KEY.match(text)) or (value is not None and len(value[1].split()) <= 2)


def is_fact(line: str) -> bool:
    """Whether `line` is a setting that a problem may come from."""
    return bool(_FACT_KEY.search(line)) and "<none>" not in line


def is_empty_value(line: str) -> bool:
    """Whether a key stands here without a value."""
    return bool(_EMPTY_VALUE.search(line))


def trouble_place(text: str) -> int:
    """Where in `text` its first sign of trouble stands; 0 when there is none."""
    match = _STRONG.search(text) or _PROBLEM.search(text) or _STATE.search(text)
    return match.start() if match else 0
