"""Rules for queries that parse, and answer something else than was asked, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tools.code.promql.expressions import Part
from tools.code.promql.labels import labels_of, never_match
from tools.code.report import Severity

RATES = ("rate", "irate", "increase")
_COUNTER = re.compile(r"_(total|count|sum|bucket)$")
_GAUGE = re.compile(
    r"^(up|.*_(ratio|percent|percentage|celsius|info|timestamp_seconds|time_seconds_since_epoch|"
    r"temperature|usage|utili[sz]ation|current|free_bytes|available_bytes|avail_bytes|used_bytes|"
    r"size_bytes|limit|lag|lag_seconds|queue_length|queue_size|expiry|status|active|idle|replicas|load\d+))$"
)
_GAUGE_FUNCTIONS = ("delta", "idelta", "deriv", "predict_linear", "avg_over_time", "min_over_time")
_COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")
_SHORTEST_RANGE_S = 60
# What a regular expression has and a plain value hardly ever.
_REGEX = re.compile(r"\.\*|\.\+|\||\[.+\]|\(\?|\\d")

Found = tuple[Severity, str, str, str, str]
Rule = Callable[[Part], Iterator[Found]]


def mistakes(root: Part) -> Iterator[Found]:
    """(severity, rule, message, fix, a word that stands at the place) of what the rules find."""
    for part in root.below():
        for rule in _RULES:
            yield from rule(part)


def _rates(part: Part) -> Iterator[Found]:
    if part.function not in (*RATES, *_GAUGE_FUNCTIONS):
        return
    selectors = [one for one in part.below() if one.kind == "VectorSelector"]
    name = selectors[0].metric if selectors else ""
    if part.function in RATES and _GAUGE.match(name):
        message = f"{part.function} is for counters, and {name} looks like a gauge"
        yield "warning", "rate-of-gauge", message, f"delta({name}[…]) or deriv({name}[…])", name
    if part.function in ("delta", "idelta", "deriv", "predict_linear") and name.endswith("_total"):
        message = (
            f"{part.function} is for gauges, and {name} is a counter: a restart makes it negative"
        )
        yield "warning", "delta-of-counter", message, f"increase({name}[…])", name


def _ranges(part: Part) -> Iterator[Found]:
    if part.kind != "MatrixSelector" or not part.is_inside(*RATES):
        return
    seconds = part.node.range.total_seconds()
    if seconds < _SHORTEST_RANGE_S:
        message = f"{seconds:g} s hold too few samples for a rate: the result has gaps or is empty"
        yield "warning", "short-range", message, "at least four scrape intervals: [5m]", ""


def _aggregation_first(part: Part) -> Iterator[Found]:
    if part.function in RATES and any(one.kind == "AggregateExpr" for one in part.below()):
        message = f"{part.function} of a sum: one counter's restart looks like a fall of the whole"
        yield "warning", "sum-before-rate", message, "sum(rate(…[5m]))", part.function


def _quantiles(part: Part) -> Iterator[Found]:
    if part.function != "histogram_quantile" or len(part.node.args) != 2:
        return
    share, buckets = part.node.args
    if type(share).__name__ == "NumberLiteral" and not 0 <= share.val <= 1:
        message = f"a quantile lies between 0 and 1: {share.val:g} is infinite"
        yield "error", "quantile-range", message, "0.95", part.function
    inside = Part(buckets, part)
    labels = labels_of(inside)
    metrics = [one.metric for one in inside.below() if one.kind == "VectorSelector"]
    is_classic = any(name.endswith("_bucket") for name in metrics)
    if labels.names is not None and "le" not in labels.names and (is_classic or not metrics):
        message = "the aggregation drops le, without which there are no buckets"
        yield (
            "error",
            "quantile-without-le",
            message,
            "sum by (le, …) (rate(…_bucket[5m]))",
            part.function,
        )
    if is_classic and not any(one.function in (*RATES, "sum_over_time") for one in inside.below()):
        message = "the quantile of all time since the process started, not of now"
        yield "warning", "quantile-of-counters", message, "rate(…_bucket[5m])", part.function
    if metrics and all(_COUNTER.search(name) and not name.endswith("_bucket") for name in metrics):
        message = f"{metrics[0]} is no histogram's bucket"
        yield "error", "quantile-without-buckets", message, "…_bucket", part.function


def _averaged_quantiles(part: Part) -> Iterator[Found]:
    if part.function in ("avg", "sum", "avg_over_time"):
        child = next((one for one in part.below() if one.function == "histogram_quantile"), None)
        selectors = (one for one in part.below() if one.kind == "VectorSelector")
        is_summary = any(any(m.name == "quantile" for m in one.matchers) for one in selectors)
        if child is not None or is_summary:
            message = f"{part.function} of quantiles is no quantile"
            yield (
                "warning",
                "averaged-quantile",
                message,
                "aggregate the buckets, then one quantile",
                part.function,
            )


def _shares(part: Part) -> Iterator[Found]:
    if (
        part.function == "quantile"
        and type(part.node.param).__name__ == "NumberLiteral"
        and not 0 <= part.node.param.val <= 1
    ):
        yield "error", "quantile-range", "a quantile lies between 0 and 1", "0.95", "quantile"


def _raw_counters(part: Part) -> Iterator[Found]:
    if part.kind != "VectorSelector" or not re.search(r"_total$|_bucket$", part.metric):
        return
    is_measured = any(one.kind in ("MatrixSelector", "SubqueryExpr") for one in part.around)
    is_compared = any(
        one.kind == "BinaryExpr" and str(one.node.op) in _COMPARISONS for one in part.around
    )
    if is_compared and not is_measured and not part.is_inside("absent", "count", "timestamp"):
        message = f"{part.metric} counts since the process started: compare its rate"
        yield "warning", "raw-counter", message, f"rate({part.metric}[5m])", part.metric


def _sides(part: Part) -> Iterator[Found]:
    if part.kind == "BinaryExpr" and never_match(part):
        message = f"the sides of {part.node.op} have different labels: nothing matches"
        fix = "aggregate both by the same labels, or match with on(…) and group_left"
        yield "warning", "labels-differ", message, fix, ""


def _matchers(part: Part) -> Iterator[Found]:
    for matcher in part.matchers:
        operator, value = str(matcher.op), str(matcher.value)
        if operator.endswith(("Equal", "NotEqual")) and _REGEX.search(value):
            message = f'{matcher.name}="{value}" compares as it stands: it is no pattern'
            yield "warning", "pattern-without-tilde", message, f'{matcher.name}=~"{value}"', value
    if part.kind == "VectorSelector" and not part.metric:
        message = "names no metric: it reads every series that has the labels"
        yield "warning", "no-metric", message, "put the metric's name in front", ""


def _empty_counts(part: Part) -> Iterator[Found]:
    """`count(up == 0)` is nothing, not 0, when none is down."""
    if part.function != "count":
        return
    inner = part.node.expr
    while type(inner).__name__ == "ParenExpr":
        inner = inner.expr
    is_filter = type(inner).__name__ == "BinaryExpr" and str(inner.op) in _COMPARISONS
    is_bool = is_filter and inner.modifier is not None and inner.modifier.return_bool
    if is_filter and not is_bool:
        message = "gives nothing at all, and not 0, when no series passes"
        yield "info", "empty-count", message, "sum(… > bool …), or … or vector(0)", "count"


_RULES: tuple[Rule, ...] = (
    _rates,
    _ranges,
    _aggregation_first,
    _quantiles,
    _averaged_quantiles,
    _shares,
    _raw_counters,
    _sides,
    _matchers,
    _empty_counts,
)
