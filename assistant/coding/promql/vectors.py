"""One metric as a vector: its selector, and the function that its kind wants to be read with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from assistant.coding.promql import cues
from assistant.coding.promql.intent import Intent
from assistant.coding.promql.names import Metric
from assistant.coding.promql.terms import either, literal, sequence
from tools.logs.lookup.words import stem
from tools.metrics.counters import has_counter_name
from tools.window import parse_duration

Kind = Literal["counter", "gauge", "time", "any"]
"""What a metric's values are; "time" is a moment in epoch seconds, "any": nobody knows."""

_DEFAULT_RANGES = ("5m",)
_DEFAULT_PAST = "6h"
_DEFAULT_AHEAD = "4h"
_TIME_NAME = re.compile(r"_(?:timestamp|time|expir\w+|until|not_after|created)(?:_seconds)?$")
_WORD = re.compile(r"[A-Za-z0-9][\w./-]*[A-Za-z0-9]|\d+")
_SMALL_FIGURE = re.compile(r"\d{1,2}[a-z]?")
_STATUS_CLASS = re.compile(r"[1-5]xx")
_STATE_WORD = re.compile(
    r"(?:un)?healthy|(?:un)?ready|active|idle|failed|pending|running|waiting|alive|dead|up|down"
    r"|success\w*|errors?|blocked|open|closed|critical|warning|firing|expired|[1-5]\d\d"
)
_STATE_LABEL = re.compile(r"state|status|mode|phase|result|outcome|code|severity|condition|type")
_MAX_WORDS = 24
_PLAIN_TEXT = """
a about above all alert an and any are as at average be below been but by count each every for
from had has have hour hours how in into is it its last least less many max maximum mean metric
metrics min minimum minute minutes more most no not number of on only or out over own past per
percent percentage rate ratio same second seconds sum than that the their them then there these
they this those time to total twice under was were when where which while whose with within
without
"""
_PLAIN_WORDS = frozenset(_PLAIN_TEXT.split())


def kind_of(intent: Intent, metric: Metric | None) -> Kind:
    """The kind of the metric, by what is known of it, its name, and how the question reads it."""
    if metric is None:
        return "any"
    if metric.kind == "counter" or metric.name.endswith("_total"):
        return "counter"
    if _TIME_NAME.search(metric.name):
        return "time"
    # `pg_stat_activity_count` is a gauge, `errors_count` mostly none: a range or rate tells.
    asks_rate = intent.wants_rate or bool(intent.figures.ranges) or intent.quantile is not None
    is_unsure = metric.kind != "gauge" and has_counter_name(metric.name)
    return "counter" if is_unsure and asks_rate else "gauge"


def value_of(intent: Intent, metric: Metric | None) -> str:
    """An instant vector of the metric, as GBNF."""
    selector = selector_of(intent, metric)
    match kind_of(intent, metric):
        case "counter":
            return over_range([_counter_function(intent)], selector, intent)
        case "any":
            functions = ["rate", "increase", "avg_over_time", "max_over_time"]
            return either([selector, over_range(functions, selector, intent)])
        case _ if intent.wants_changes:
            return over_range(["changes"], selector, intent)
        case "time":
            return _time_difference(intent, selector)
        case "gauge" if intent.is_forecast:
            return _forecast(intent, selector)
        case "gauge" if intent.figures.ranges:
            return over_range(_gauge_functions(intent), selector, intent)
        case "gauge":
            return selector


def selector_of(intent: Intent, metric: Metric | None) -> str:
    """The metric with its matchers; also with one for a label whose value the question names."""
    if metric is None:
        return "free"
    plain = literal(metric.selector)
    labels = _open_labels(intent, metric)
    values = _values(intent.words, metric, labels)
    if metric.matchers or not labels or not values:
        return plain
    names = either([literal(label) for label in labels])
    return either(
        [plain, sequence(literal(f"{metric.name}{{"), names, either(values), literal("}"))]
    )


def over_range(functions: Sequence[str], selector: str, intent: Intent) -> str:
    """One of `functions` over one of the question's ranges."""
    ranges = intent.figures.ranges or _DEFAULT_RANGES
    spans = either([literal(f"[{span}])") for span in ranges])
    return sequence(either([literal(f"{name}(") for name in functions]), selector, spans)


def seconds_text(value: float) -> str:
    """Seconds as people read them: `7 * 86400`."""
    for unit in (86400, 3600):
        if value >= unit and value % unit == 0:
            return f"{value / unit:g} * {unit}"
    return f"{value:.15g}"


def seconds_of(duration: str) -> str:
    """A duration of PromQL in seconds; the same form."""
    return seconds_text(parse_duration(duration).total_seconds())


def _counter_function(intent: Intent) -> str:
    """`increase` where events are counted, `rate` where their speed or their share matters."""
    is_relative = intent.wants_rate or intent.is_share or intent.quantile is not None
    if is_relative or len(intent.metrics) > 1:
        return "rate"
    numbers = [t.value for t in intent.figures.thresholds if t.unit == "number"]
    is_counted = any(value and value == int(value) for value in numbers)
    return "increase" if intent.wants_count or is_counted else "rate"


def _gauge_functions(intent: Intent) -> list[str]:
    if intent.growth:
        return ["delta"]
    if intent.is_share:
        return ["avg_over_time"]
    if intent.state:
        # In that state all of the time: no other was seen.
        return ["max_over_time" if intent.state == "0" else "min_over_time"]
    if intent.aggregation in ("max", "min", "avg"):
        return [f"{intent.aggregation}_over_time"]
    return ["avg_over_time", "max_over_time", "min_over_time"]


def _time_difference(intent: Intent, selector: str) -> str:
    left = sequence(selector, literal(" - time()"))
    age = sequence(literal("time() - "), selector)
    if intent.wants_time_left == intent.wants_age:
        return either([left, age])
    return left if intent.wants_time_left else age


def _forecast(intent: Intent, selector: str) -> str:
    """Where a line through the past will be: first how far ahead, then how far back."""
    given = intent.figures.ranges
    ahead = given[0] if given else _DEFAULT_AHEAD
    past = given[1] if len(given) > 1 else _DEFAULT_PAST
    return sequence(
        literal("predict_linear("), selector, literal(f"[{past}], {seconds_of(ahead)})")
    )


def _open_labels(intent: Intent, metric: Metric) -> list[str]:
    """The labels that a matcher may be for; one that is grouped by only to leave values out."""
    used = {"le", *intent.joins}
    if not cues.DENIED.search(intent.words):
        used |= {*intent.groups}
    return [label for label in metric.labels if label not in used]


def _values(words: str, metric: Metric, labels: Sequence[str]) -> list[str]:
    """What a label may be compared with: classes of status, words that are listed, or any others.

    A word of the metric's own name or labels says what it is, not which of them is meant.
    """
    listed = [
        "|".join([*match["first"].split(", "), match["last"]])
        for match in cues.LISTED.finditer(words)
    ]
    if listed:
        return [literal(f'=~"{value}"') for value in listed]
    denied = set(cues.DENIED.findall(words))
    own = " ".join((metric.name, *metric.labels)).lower()
    telling = [word for word in dict.fromkeys(_WORD.findall(words)) if _is_telling(word, own)]
    telling = [word for word in telling if _STATUS_CLASS.fullmatch(word)] or [
        word for word in telling if word in denied or _is_pointed_at(word, words, labels)
    ]
    return [
        literal(_compared_value(word, is_denied=word in denied)) for word in telling[:_MAX_WORDS]
    ]


def _is_telling(word: str, own: str) -> bool:
    lower = word.lower()
    is_own = lower.removesuffix("s") in own or stem(lower) in own
    return lower not in _PLAIN_WORDS and not is_own and not _SMALL_FIGURE.fullmatch(word)


def _is_pointed_at(word: str, words: str, labels: Sequence[str]) -> bool:
    """Whether the words single it out: "orders queue", "state idle", "errors of checkout"."""
    names = "|".join(re.escape(label) for label in labels)
    pattern = (
        rf"\b(?:of|for|from|on|at|in|did|does|has)(?: the)? {re.escape(word)}\b"
        rf"|\b{re.escape(word)} (?:{names})\b|\b(?:{names}):? ['\"]?{re.escape(word)}\b"
    )
    is_state = bool(_STATE_WORD.fullmatch(word)) and any(map(_STATE_LABEL.search, labels))
    return is_state or bool(re.search(pattern, words, re.IGNORECASE))


def _compared_value(word: str, *, is_denied: bool) -> str:
    """`="idle"`, or `!="idle"`; `=~"5.."` for 5xx."""
    if _STATUS_CLASS.fullmatch(word):
        return f'{"!~" if is_denied else "=~"}"{word[0]}.."'
    return f'{"!=" if is_denied else "="}"{word}"'
