"""The metrics that a question names: their names, the matchers given with them, and their labels.

People write them as they would in a query: `up{job='airflow'}`, or with the labels that there are,
`sidekiq_queue_size{environment,name}`. A list of known names makes plain words count as names too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tools.metrics.names import fitting_names

_SELECTOR = re.compile(r"(?<![\w.:/-])(?P<name>[a-zA-Z_:][\w:]*)\s*\{(?P<labels>[^{}\n]*)\}")
_LABEL = re.compile(
    r"\s*(?P<name>[a-zA-Z_]\w*)\s*"
    r"(?:(?P<sign>=~|!~|!=|=)\s*(?P<value>\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'))?\s*(?:,|$)"
)
# `node_load1`, `job:errors:rate5m`: two words or more, the form that all exporters keep to.
_NAME = re.compile(r"(?<![\w.:/{-])[a-zA-Z]+(?:[_:]+[a-zA-Z0-9]+)+(?![\w:/.(]*[/(])")
_BARE = re.compile(r"(?<![\w.:/-])[a-zA-Z_][\w:]*(?![\w(])")
# What every server scrapes under a name of one word.
_SHORT_NAMES = frozenset(("up", "ALERTS"))

# So many may be meant by words that are no names.
_MAX_FITTING = 3

MetricKind = Literal["counter", "gauge", "unknown"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric and what is known of its labels.

    `matchers` are given with it, as PromQL writes them; `labels` are those it is known to have.
    """

    name: str
    matchers: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    kind: MetricKind = "unknown"

    @property
    def selector(self) -> str:
        """The metric with its matchers."""
        return f"{self.name}{{{','.join(self.matchers)}}}" if self.matchers else self.name


def metrics_in(text: str, known: Iterable[str] = ()) -> tuple[Metric, ...]:
    """The metrics that `text` names, each once, in their order; `known` are names for sure."""
    found: dict[str, Metric] = {}
    rest = text
    for match in _SELECTOR.finditer(text):
        found.setdefault(match["name"], _metric(match["name"], match["labels"]))
        rest = rest.replace(match[0], " ")
    labels = {label for metric in found.values() for label in metric.labels}
    for match in _NAME.finditer(rest):
        if match[0] not in labels:
            found.setdefault(match[0], Metric(match[0]))
    names = frozenset(known)
    for match in _BARE.finditer(rest):
        if match[0] in names or (match[0] in _SHORT_NAMES and not found):
            found.setdefault(match[0], Metric(match[0]))
    return tuple(sorted(found.values(), key=lambda metric: text.find(metric.name)))


def metrics_for(question: str, known: Sequence[Metric] = ()) -> tuple[Metric, ...]:
    """The metrics that `question` names; else those of `known` whose names have its words."""
    by_name = {metric.name: metric for metric in known}
    named = metrics_in(question, by_name)
    if named:
        return tuple(_completed(metric, by_name.get(metric.name)) for metric in named)
    return tuple(by_name[name] for name in fitting_names(question, by_name, {})[:_MAX_FITTING])


def _completed(named: Metric, known: Metric | None) -> Metric:
    """The metric as the question has it, with what is known of it besides."""
    if known is None:
        return named
    labels = tuple(dict.fromkeys([*named.labels, *known.labels]))
    return Metric(named.name, named.matchers or known.matchers, labels, known.kind)


def _metric(name: str, labels: str) -> Metric:
    matchers, names = [], []
    for match in _LABEL.finditer(labels):
        names.append(match["name"])
        if match["sign"]:
            matchers.append(f"{match['name']}{match['sign']}{_quoted(match['value'])}")
    return Metric(name, tuple(matchers), tuple(names))


def _quoted(value: str) -> str:
    """A string of PromQL in double quotes, whichever stood there."""
    if value.startswith('"'):
        return value
    inner = value[1:-1].replace("\\'", "'")
    return '"' + re.sub(r'(?<!\\)"', r"\"", inner) + '"'
