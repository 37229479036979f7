"""The grammar of the queries that can answer a question: right by construction.

Whatever the model picks parses, has the types that PromQL wants (a range only inside a function
that takes one, a counter only under a rate), and has the metrics, matchers, ranges and thresholds
that the question states. Where no metric is named, any name will do, and the model knows most.
"""

from __future__ import annotations

import itertools

from assistant.coding.promql.figures import Threshold
from assistant.coding.promql.intent import Intent
from assistant.coding.promql.names import Metric
from assistant.coding.promql.ratio import ordered_pairs
from assistant.coding.promql.terms import FREE_RULES, call, either, grouped, literal, sequence
from assistant.coding.promql.vectors import (
    kind_of,
    over_range,
    seconds_of,
    seconds_text,
    selector_of,
    value_of,
)

_ENDING = "\n```"
# More would make more pairs than anybody means.
_MAX_METRICS = 4
_MAX_THRESHOLDS = 2


def query_grammar(intent: Intent) -> str:
    """GBNF of the queries that fit `intent`, with a closing fence: the model's way to end."""
    query = _of_two(intent) if len(intent.metrics) > 1 else _of_one(intent)
    return f"root ::= {query} {literal(_ENDING)}\n{FREE_RULES}"


def _of_one(intent: Intent) -> str:
    metric = intent.metrics[0] if intent.metrics else None
    if intent.is_absence and metric is not None:
        return _absent(intent, metric)
    if _counts_states(intent, metric):
        return _count_of_states(intent, metric)
    vector = _aggregated(intent, metric)
    if intent.is_share and kind_of(intent, metric) == "gauge":
        vector = _share_of_series(intent, metric)
    if intent.is_share and metric is None:
        vector = either([vector, sequence(vector, literal(" / "), vector)])
    if intent.is_either_way:
        vector = call("abs", vector)
    return _compared(intent, vector, metric)


def _absent(intent: Intent, metric: Metric) -> str:
    selector = selector_of(intent, metric)
    if intent.figures.ranges:
        return over_range(["absent_over_time"], selector, intent)
    return call("absent", selector)


def _counts_states(intent: Intent, metric: Metric | None) -> bool:
    """Whether it is asked how many of the metric's series are in a state."""
    is_gauge = kind_of(intent, metric) == "gauge"
    return is_gauge and intent.wants_count and bool(intent.state) and not intent.figures.ranges


def _count_of_states(intent: Intent, metric: Metric | None) -> str:
    in_state = sequence(value_of(intent, metric), literal(f" == {intent.state}"))
    count = grouped("count", intent.groups, in_state)
    thresholds = intent.figures.thresholds
    return sequence(count, _against(thresholds[0], intent)) if thresholds else count


def _share_of_series(intent: Intent, metric: Metric | None) -> str:
    """How large a share of the series, or of the time, is 1; is 0, where that is asked."""
    values = value_of(intent, metric)
    if intent.figures.ranges:
        return values
    mean = grouped("avg", intent.groups, values)
    return sequence(literal("(1 - "), mean, literal(")")) if intent.state == "0" else mean


def _of_two(intent: Intent) -> str:
    """Two metrics, in the order that the words tell, or that the model picks."""
    metrics = intent.metrics[:_MAX_METRICS]
    is_ratio = intent.combination == "ratio"
    pairs = ordered_pairs(intent.words, metrics) if is_ratio else itertools.permutations(metrics, 2)
    return either([_pair(intent, one, other) for one, other in pairs])


def _pair(intent: Intent, one: Metric, other: Metric) -> str:
    limit = next((t for t in intent.figures.thresholds if t.is_of and t.unit == "percent"), None)
    if limit is not None and intent.combination != "filter":
        within = _combined(intent, one, limit.sign, other)
        return sequence(within, literal(f" * {limit.value / 100:g}"))
    match intent.combination:
        case "ratio":
            return _compared(intent, _combined(intent, one, "/", other))
        case "comparison":
            return _combined(intent, one, intent.comparison, other)
        case "difference":
            return _compared(intent, _combined(intent, one, "-", other))
        case "filter":
            return _filtered(intent, one, other)
        case "any":
            joined = [_compared(intent, _combined(intent, one, sign, other)) for sign in "/-"]
            return either([*joined, _filtered(intent, one, other)])


def _combined(intent: Intent, one: Metric, sign: str, other: Metric) -> str:
    on = _matching(intent, one, other)
    between = literal(f" {sign}{on} ")
    return sequence(_operand(intent, one), between, _operand(intent, other))


def _filtered(intent: Intent, one: Metric, other: Metric) -> str:
    """The first, compared, where the second has a state."""
    between = literal(f") and{_matching(intent, one, other)} (")
    left = _compared(intent, _operand(intent, one))
    states = either([literal(" == 1)"), literal(" == 0)")])
    return sequence(literal("("), left, between, _operand(intent, other), states)


def _operand(intent: Intent, metric: Metric) -> str:
    """One side of two: counters are summed up, since their labels seldom agree."""
    if intent.groups and (not metric.labels or set(intent.groups) <= set(metric.labels)):
        return _aggregated(intent, metric)
    values = value_of(intent, metric)
    return call("sum", values) if kind_of(intent, metric) == "counter" else values


def _matching(intent: Intent, one: Metric, other: Metric) -> str:
    """` on(instance)` where the labels to match on are said, or follow from those of each."""
    labels = list(intent.joins)
    if not labels and intent.groups and set(one.labels) != set(other.labels):
        labels = [label for label in one.labels if label in other.labels]
    return f" on({', '.join(labels)})" if labels else ""


def _aggregated(intent: Intent, metric: Metric | None) -> str:
    """The metric's values, summed up and ranked as the question says."""
    values = value_of(intent, metric)
    is_counter = kind_of(intent, metric) == "counter"
    if intent.quantile is not None:
        inner = grouped("sum", ["le", *intent.groups], values)
        vector = sequence(literal(f"histogram_quantile({intent.quantile:g}, "), inner, literal(")"))
    elif intent.groups:
        vector = _by_groups(intent, values, is_counter=is_counter)
    elif is_counter and intent.aggregation in ("sum", "count"):
        vector = call("sum", values)
    elif intent.aggregation in (None, "count") or intent.figures.ranges:
        # "the number of replicas" is what the metric itself counts.
        vector = values
    else:
        vector = call(intent.aggregation, values)
    return sequence(literal(intent.ranking), vector, literal(")")) if intent.ranking else vector


def _by_groups(intent: Intent, values: str, *, is_counter: bool) -> str:
    # Two metrics are added up alike, or what stands between them means nothing.
    usual = ["sum"] if is_counter or len(intent.metrics) > 1 else ["sum", "max", "avg"]
    is_said = intent.aggregation is not None and not intent.wants_count
    names = [str(intent.aggregation)] if is_said else usual
    return either([grouped(name, intent.groups, values) for name in names])


def _compared(intent: Intent, vector: str, metric: Metric | None = None) -> str:
    """The vector against the question's thresholds, or against the state that it speaks of."""
    thresholds = intent.figures.thresholds[:_MAX_THRESHOLDS]
    if thresholds:
        parts = [sequence(vector, _against(threshold, intent)) for threshold in thresholds]
        return f" {literal(' and ')} ".join(parts)
    return sequence(vector, literal(_unstated(intent, metric)))


def _unstated(intent: Intent, metric: Metric | None) -> str:
    """What a vector is compared with where no figure is said."""
    kind = kind_of(intent, metric)
    if intent.is_share:
        return " * 100" if intent.is_percent else ""
    if kind == "gauge" and intent.is_forecast:
        return " < 0"
    if kind == "gauge" and intent.growth and intent.figures.ranges:
        return f" {intent.growth} 0"
    if kind == "time" and not intent.wants_changes and intent.figures.ranges:
        # "rebooted in the last hour", or "not run in the last day".
        sign = ">" if intent.state == "0" else "<"
        return f" {sign} {seconds_of(intent.figures.ranges[0])}"
    return f" == {intent.state}" if intent.state else ""


def _against(threshold: Threshold, intent: Intent) -> str:
    sign, value = threshold.sign, threshold.value
    is_percent = threshold.unit == "percent"
    if threshold.unit == "seconds":
        return literal(f" {sign} {seconds_text(value)}")
    if intent.is_percent or (is_percent and "%" not in intent.words):
        return literal(f" * 100 {sign} {value:.15g}")
    return literal(f" {sign} {value / 100 if is_percent else value:.15g}")
