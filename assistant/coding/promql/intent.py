"""What a question wants of its metrics.

Only what words say beyond doubt is decided here; the model chooses among what is left.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.coding.promql import cues
from assistant.coding.promql.figures import Figures, figures_in
from assistant.coding.promql.labels import groups_in, joins_in, ranking_in
from assistant.coding.promql.names import Metric

Combination = Literal["ratio", "filter", "difference", "comparison", "any"]

# Metrics whose values may be compared with a time.
_IN_TIME = re.compile(r"sec|_ms|milli|lag|age\b|delay|latency|duration|time|expir|offset|skew|wait")
_COUNTS_UP = ("_total", "_sum", "_count")
# Labels that hold a state: a negation speaks of their values.
_STATE_LABEL = re.compile(r"state|status|mode|phase|reason|condition|type|result|outcome|severity")


@dataclass(frozen=True, slots=True)
class Intent:
    """A question about metrics, read: `words` is it without their names.

    `groups` and `joins` are names of labels; `comparison` is the sign between two metrics,
    `ranking` the beginning of a `topk(…)`, `state` "0" or "1" where one of two states is meant.
    """

    words: str
    metrics: tuple[Metric, ...]
    figures: Figures
    groups: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    aggregation: cues.Aggregation | None = None
    combination: Combination = "any"
    comparison: str = ""
    quantile: float | None = None
    ranking: str = ""
    state: Literal["", "0", "1"] = ""
    growth: Literal["", ">", "<"] = ""
    is_share: bool = False
    is_percent: bool = False
    is_forecast: bool = False
    is_absence: bool = False
    is_either_way: bool = False
    wants_rate: bool = False
    wants_count: bool = False
    wants_changes: bool = False
    wants_time_left: bool = False
    wants_age: bool = False


def read_intent(question: str, metrics: Sequence[Metric]) -> Intent:
    """What `question` asks about `metrics`."""
    words = _without_names(question, metrics)
    text = words.lower()
    labels = frozenset(label for metric in metrics for label in metric.labels)
    figures = figures_in(text)
    if metrics and not any(_is_time(metric) for metric in metrics):
        figures = figures.without_times()
    return Intent(
        words,
        tuple(metrics),
        figures,
        groups=groups_in(text, labels),
        joins=joins_in(text, labels),
        aggregation=cues.aggregation_in(text),
        combination=_combination(text, figures),
        comparison=cues.comparison_in(text),
        quantile=cues.quantile_in(text),
        ranking=ranking_in(text),
        state=_state(text, labels),
        growth=">" if cues.GROWS.search(text) else "<" if cues.FALLS.search(text) else "",
        is_share=_is_share(text, figures),
        is_percent=bool(cues.PERCENT.search(text)),
        is_forecast=bool(cues.FORECAST.search(text)),
        is_absence=bool(cues.ABSENT.search(text)),
        is_either_way=bool(cues.EITHER_WAY.search(text)),
        wants_rate=bool(cues.RATE.search(text)),
        wants_count=bool(cues.COUNTED.search(text)),
        wants_changes=bool(cues.CHANGES.search(text)),
        wants_time_left=bool(cues.TIME_LEFT.search(text)),
        wants_age=bool(cues.AGE.search(text)),
    )


def _without_names(text: str, metrics: Sequence[Metric]) -> str:
    """The words alone: a metric's name has words that nobody said."""
    for metric in metrics:
        name = re.escape(metric.name)
        text = re.sub(rf"(?<!\w){name}(?:\s*\{{[^}}]*\}})?(?!\w)", " ", text)
    return text


def _is_time(metric: Metric) -> bool:
    """Whether its values may be compared with a time; a counter of seconds may not."""
    return bool(_IN_TIME.search(metric.name)) and not metric.name.endswith(_COUNTS_UP)


def _is_share(text: str, figures: Figures) -> bool:
    has_percent = any(threshold.unit == "percent" for threshold in figures.thresholds)
    return has_percent or bool(cues.SHARE.search(text))


def _state(text: str, labels: frozenset[str]) -> Literal["", "0", "1"]:
    if any(_STATE_LABEL.search(label) for label in labels):
        return ""
    if cues.NEGATIVE.search(text):
        return "0"
    return "1" if cues.POSITIVE.search(text) else ""


def _combination(text: str, figures: Figures) -> Combination:
    if not figures.thresholds and cues.comparison_in(text):
        return "comparison"
    if cues.SHARE.search(text):
        return "ratio"
    if cues.FILTER.search(text):
        return "filter"
    return "difference" if cues.DIFFERENCE.search(text) else "any"
