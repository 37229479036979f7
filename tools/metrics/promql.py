"""PromQL for a survey: which query tells most of a family of metrics for least.

A small family is asked for as it is. Of a large one the server sums counters over what hardly tells
them apart, and picks the gauges that moved most, so that no answer grows with the number of series.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tools.errors import InvalidQuery
from tools.metrics.backend import Family, Span
from tools.metrics.counters import has_counter_name
from tools.metrics.histograms import QUANTILE
from tools.metrics.labels import render_series_name
from tools.metrics.series import SeriesKind

MAX_PLAIN_SERIES = 40
MAX_GROUPS = 24
_TOP = 12
# What tells one kind of event from another; instances and addresses do not.
_TELLING = re.compile(
    r"^(?:job|service|app|code|status|status_code|grpc_code|reason|error|type|kind|result|outcome"
    r"|state|method|queue|topic|pool|database|datname|device|mode|level|severity|phase|namespace)$"
)
_PLAIN_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
# Selectors in braces, lists of labels, ranges and strings.
_NO_NAME = re.compile(
    r"\{[^}]*\}|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)|\[[^\]]*\]|\"[^\"]*\""
)
_NAME = re.compile(r"(?<![\w:.])([a-zA-Z_:][\w:]*)(?!\s*\(|[\w:])")
_KEYWORDS = frozenset(
    ("and", "or", "unless", "offset", "bool", "inf", "nan", "by", "without", "on", "ignoring")
) | frozenset(("group_left", "group_right", "atan2"))
_PLACE = re.compile(r"(\d+):(\d+): (?:parse error: )?(.*)")
_HINTS = (
    ("end of input|unclosed|unterminated", "close the bracket or quotation mark"),
    ("range vector", "a range such as [5m] belongs inside a function: rate(name[5m])"),
    ("unknown function", "see the name of the function; usual ones: rate, increase, sum, avg, max"),
    ("many-to-many|multiple matches", "say which labels to match on: a / on(instance) b"),
    ("too many samples|exceeded maximum", "ask for less time or fewer series: sum by (job) (…)"),
    ("expected type", "see what the function takes: a metric, or a range such as name[5m]"),
)


@dataclass(frozen=True, slots=True)
class RangeQuery:
    """One query, the metric that its series are of, and what their values are.

    `source` is what the result is quoted under: the metric's name where samples come as they are.
    `is_selector` says that the expression only selects series, so that a range of it has samples.
    """

    expression: str
    name: str
    kind: SeriesKind
    source: str
    is_selector: bool = False


def is_plain(family: Family) -> bool:
    """Whether a family is small enough to be asked for series by series."""
    if family.num_series is None:
        return False
    return max(family.num_series, family.num_before or 0) <= MAX_PLAIN_SERIES


def queries_for(
    family: Family, span: Span, rate_window_s: float, groups: Sequence[str] = ()
) -> list[RangeQuery]:
    """The queries that show how `family` fared; `groups` are labels to sum a large one by."""
    match family.kind:
        case "histogram":
            return [
                _quantile_query(family, rate_window_s, groups),
                _counter_query(f"{family.name}_count", is_plain(family), rate_window_s, groups),
            ]
        case "summary":
            return [
                _mean_query(family, rate_window_s, groups),
                _counter_query(f"{family.name}_count", is_plain(family), rate_window_s, groups),
            ]
        case "counter":
            return [_counter_query(family.name, is_plain(family), rate_window_s, groups)]
        case "unknown" if has_counter_name(family.name):
            return [_counter_query(family.name, is_plain(family), rate_window_s, groups)]
    return [_gauge_query(family, span)]


def fill_query(used: str, limit: str, is_free: bool, span: Span) -> RangeQuery:
    """How full the fullest are, of large families of uses (or free parts) and their limits."""
    share = f"{selector(used)} / {selector(limit)}"
    now = f"{selector(used)} @ {span.end:.3f} / {selector(limit)} @ {span.end:.3f}"
    if is_free:
        share, now = f"1 - {share}", f"1 - {now}"
    query = f"({share}) and topk({_TOP}, {now})"
    return RangeQuery(query, used, "share", query)


def largest(expression: str, number: int, span: Span) -> str:
    """The `number` series of any expression that are largest at the end, over the whole span."""
    at_the_end = f"last_over_time(({expression})[1s:1s] @ {span.end:.3f})"
    return f"({expression}) and topk({number}, {at_the_end})"


def choose_groups(label_sets: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """The telling labels by which these series fall into few groups, most telling first."""
    values: dict[str, set[str]] = {}
    for labels in label_sets:
        for label, value in labels.items():
            if _TELLING.match(label):
                values.setdefault(label, set()).add(value)
    chosen: list[str] = []
    num_groups = 1
    for label in sorted(values, key=lambda label: (len(values[label]), label)):
        num_groups *= len(values[label])
        if num_groups > MAX_GROUPS:
            break
        chosen.append(label)
    return tuple(chosen)


def selector(name: str) -> str:
    """The selector of all series of a metric, whatever its name is made of."""
    return name if _PLAIN_NAME.fullmatch(name) else render_series_name("", {"__name__": name})


def identifiers(expression: str) -> list[str]:
    """What may be names of metrics in an expression, in its order; labels are left out."""
    names = (match[1] for match in _NAME.finditer(_NO_NAME.sub(" ", expression)))
    return [name for name in dict.fromkeys(names) if name.lower() not in _KEYWORDS]


def _counter_query(
    name: str, is_small: bool, rate_window_s: float, groups: Sequence[str]
) -> RangeQuery:
    if is_small:
        return RangeQuery(selector(name), name, "counter", name, is_selector=True)
    query = f"sum by ({', '.join(groups)}) ({_rate(name, rate_window_s)})"
    return RangeQuery(query, name, "rate", query)


def _quantile_query(family: Family, rate_window_s: float, groups: Sequence[str]) -> RangeQuery:
    buckets = _rate(f"{family.name}_bucket", rate_window_s)
    if not is_plain(family):
        buckets = f"sum by ({', '.join(('le', *groups))}) ({buckets})"
    query = f"histogram_quantile({QUANTILE:g}, {buckets})"
    return RangeQuery(query, family.name, "quantile", query)


def _mean_query(family: Family, rate_window_s: float, groups: Sequence[str]) -> RangeQuery:
    total, count = (_rate(f"{family.name}_{part}", rate_window_s) for part in ("sum", "count"))
    if not is_plain(family):
        by = ", ".join(groups)
        total, count = f"sum by ({by}) ({total})", f"sum by ({by}) ({count})"
    query = f"{total} / {count}"
    return RangeQuery(query, family.name, "quantile", query)


def _gauge_query(family: Family, span: Span) -> RangeQuery:
    name = selector(family.name)
    if is_plain(family):
        return RangeQuery(name, family.name, "gauge", family.name, is_selector=True)
    window, baseline = span.end - span.window_start, span.window_start - span.start
    if baseline < 1:
        window = baseline = (span.end - span.start) / 2
    now = f"avg_over_time({name}[{duration(window)}] @ {span.end:.3f})"
    before = f"avg_over_time({name}[{duration(baseline)}] @ {span.end - window:.3f})"
    moved = f"abs({now} - {before}) / clamp_min(abs({before}), 1e-9)"
    query = f"{name} and topk({_TOP}, {moved})"
    return RangeQuery(query, family.name, "gauge", family.name)


def _rate(name: str, window_s: float) -> str:
    return f"rate({selector(name)}[{duration(window_s)}])"


def duration(seconds: float) -> str:
    """`5m`, `90s`, `250ms`: the largest unit that leaves a whole number."""
    length_ms = max(1, round(seconds * 1000))
    for unit, unit_ms in (("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if length_ms % unit_ms == 0:
            return f"{length_ms // unit_ms}{unit}"
    return f"{length_ms}ms"


def explained(expression: str, error: InvalidQuery) -> InvalidQuery:
    """The server's refusal of `expression` with the place that it means, and what to do."""
    place = _PLACE.search(error.message)
    message = error.message
    if place is not None:
        lines = expression.splitlines() or [""]
        line = lines[min(int(place[1]), len(lines)) - 1]
        column = int(place[2])
        message = f"{place[3]} at position {column}: {line[: column - 1]}»{line[column - 1 :]}"
        message = f"Prometheus refuses the query: {message}"
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, error.message)), "")
    return InvalidQuery(message, hint or "correct the PromQL, or ask for a metric by its name")
