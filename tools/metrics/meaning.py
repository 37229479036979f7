"""What a metric is about, by the words of its name and labels: whether a rise of it is bad news.

Naming is a convention that most exporters share; a name that tells nothing counts as neutral.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from tools.metrics.names import spaced
from tools.metrics.shifts import Direction

Meaning = Literal["trouble", "pressure", "reserve", "traffic", "other"]

_INNER = re.compile(r"(?:go|promhttp|prometheus|scrape|python_gc|process_virtual|net_conntrack)_")
_BOOKKEEPING = re.compile(r"_(?:created|info|timestamp(?:_seconds)?|build_info)$|^(?:ALERTS.*|up)$")
_TROUBLE = re.compile(
    r"err(?:or)?s?\b|fail|excep|time(?:d )? ?out|[45]xx|drop|reject|refus|abort|panic|oom|restart"
    r"|retr(?:y|ie)|evict|throttl|backoff|dead|lost|corrupt|unavail|unreach|denied|crash|kill"
    r"|conflict|rollback|expired|missed|unhealthy|not ready|firing|violation"
)
_RESERVE = re.compile(
    r"free|avail|idle|remaining|healthy|ready|success|hits?\b|alive|replicas|leader|members|budget"
)
_PRESSURE = re.compile(
    r"latency|duration|delay|wait|lag|queue|depth|pending|backlog|saturat|pressure|load|us(?:ed|age)"
    r"|util|memory|mem\b|heap|rss|disk|fds|connections|threads|goroutines|gc\b|cpu|iowait|steal"
    r"|in ?flight|active|swap|block|stall|response time|open\b|busy|temp|skew|offset|size|seconds"
)
_TRAFFIC = re.compile(
    r"requests?|reqs?\b|throughput|rps|qps|received|sent|transmit|processed|messages|queries"
    r"|transactions|operations|ops\b|hits|logins|orders|jobs|commits|writes?\b|reads?\b"
)
_BAD_VALUE = re.compile(
    r"5\d\d|5xx|err.*|fail.*|time_?out.*|reject.*|denied|drop.*|unavail.*", re.I
)
# How bad news a rise and a fall are.
_WEIGHTS: dict[Meaning, tuple[float, float]] = {
    "trouble": (0.92, 0.2),
    "pressure": (0.78, 0.35),
    "reserve": (0.3, 0.85),
    "traffic": (0.5, 0.6),
    "other": (0.5, 0.5),
}
_INNER_FACTOR = 0.45
_LOAD_AVERAGE = re.compile(r"\bload ?(?:average|avg)?\s?(?:1|5|15)?(?: ?m(?:in)?)?$")


def is_bookkeeping(name: str) -> bool:
    """Whether it says nothing of how things go: build information, times of creation."""
    return bool(_BOOKKEEPING.search(name))


def meaning_of(name: str, labels: Mapping[str, str]) -> Meaning:
    """What a metric with these labels is about."""
    text = spaced(name)
    if _TROUBLE.search(text) or any(_BAD_VALUE.fullmatch(value) for value in labels.values()):
        return "trouble"
    if _RESERVE.search(text):
        return "reserve"
    if text.endswith((" count", " total")) and _TRAFFIC.search(text):
        return "traffic"
    if _PRESSURE.search(text):
        return "pressure"
    return "traffic" if _TRAFFIC.search(text) else "other"


def weight_of(name: str, labels: Mapping[str, str], direction: Direction) -> float:
    """How bad news it is, 0 to 1, that this metric went in `direction`."""
    rise, fall = _WEIGHTS[meaning_of(name, labels)]
    weight = rise if direction == "rose" else fall
    return weight * _INNER_FACTOR if _INNER.match(name) else weight


def is_far_from_full(name: str, level: float) -> bool:
    """Whether `level` of a metric with a known scale leaves most of it free.

    A load average below one keeps no processor busy; a share below a half is no shortage.
    """
    text = spaced(name)
    if _LOAD_AVERAGE.search(text):
        return level < 1.0
    if meaning_of(name, {}) != "pressure":
        return False
    if re.search(r"ratio|utili[sz]ation|fraction", text):
        return level < 0.5
    return bool(re.search(r"percent|pct", text)) and level < 50.0


def interest_of(name: str) -> float:
    """How early a metric is worth a look when not all can be looked at."""
    if is_bookkeeping(name):
        return 0.0
    return max(weight_of(name, {}, "rose"), weight_of(name, {}, "fell"))
