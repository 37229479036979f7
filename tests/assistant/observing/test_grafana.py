"""The dashboard and the alerting rules ask for what exists, and the alerts mean something."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.core import Metric

from assistant.observing.metrics import Metrics
from tests.tools.metrics.prometheus_server import PROMTOOL

from .scene import BUSY

FOLDER = Path(__file__).parents[3] / "docs" / "grafana"
# What Prometheus adds to each series, and the one metric that it makes itself.
ADDED = {"instance", "job"}
UP = {"up": ADDED}


def panels() -> list[dict[str, Any]]:
    dashboard = json.loads((FOLDER / "midwatch.json").read_text())
    found: list[dict[str, Any]] = dashboard["panels"]
    return found


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    for panel in panels():
        for target in panel.get("targets", ()):
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for rule in rules():
        yield rule["alert"], rule["expr"]


def series() -> dict[str, set[str]]:
    """Each series name that `/metrics` can have, with the names of its labels."""
    known = dict(UP)
    for family in Metrics("1", lambda: {"m": BUSY}).registry.collect():
        known |= {name: ADDED | set(labels) for name, labels in _samples(family)}
    return known


def _samples(family: Metric) -> Iterator[tuple[str, tuple[str, ...]]]:
    labels = LABELS.get(family.name, ())
    if family.type == "histogram":
        yield from ((f"{family.name}_{end}", labels) for end in ("sum", "count"))
        yield f"{family.name}_bucket", (*labels, "le")
    else:
        yield f"{family.name}_total" if family.type == "counter" else family.name, labels


def _labels() -> dict[str, tuple[str, ...]]:
    """The label names of each family: of those that are declared, and of those that are read."""
    metrics = Metrics("1", lambda: {"m": BUSY})
    declared: dict[str, tuple[str, ...]] = {}
    for collector in metrics.registry._collector_to_names:
        name = getattr(collector, "_name", None)
        if name is not None:
            declared[name] = collector._labelnames  # type: ignore[attr-defined]
        for family in collector.collect():
            for sample in family.samples:
                declared.setdefault(family.name, tuple(sample.labels))
    return declared


LABELS = _labels()
SERIES = series()


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    found: list[promql_parser.VectorSelector] = []
    _walk(expression, lambda node: found.append(node), promql_parser.VectorSelector)
    return found


def _walk(expression: str, take: Callable[[Any], None], kind: type) -> None:
    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, kind):
            take(node)
        elif isinstance(node, promql_parser.MatrixSelector) and kind is not type(node):
            visit(node.vector_selector)
        return True

    promql_parser.walk(promql_parser.parse(_filled(expression)), visit)


def _filled(expression: str) -> str:
    """The expression with Grafana's variables filled in, as Prometheus gets it."""
    return expression.replace("$__rate_interval", "5m").replace("$instance", ".*")


def test_series_are_found() -> None:
    assert SERIES["midwatch_turn_ttft_seconds_bucket"] == {"front", "le", *ADDED}
    assert SERIES["midwatch_engine_requests"] == {"model", "state", "class", *ADDED}
    assert SERIES["midwatch_turns_total"] == {"front", "outcome", *ADDED}
    assert "midwatch_turns" not in SERIES


@pytest.mark.parametrize(("name", "expression"), expressions())
def test_each_query_asks_for_what_there_is(name: str, expression: str) -> None:
    asked = selectors(expression)
    assert asked, name
    for selector in asked:
        assert selector.name in SERIES, name
        used = {matcher.name for matcher in selector.matchers.matchers}
        assert used <= SERIES[selector.name], name


@pytest.mark.parametrize(("name", "expression"), expressions())
def test_each_grouping_is_by_labels_that_there_are(name: str, expression: str) -> None:
    def check(node: promql_parser.AggregateExpr) -> None:
        if node.modifier is None:
            return
        available = {
            label
            for selector in selectors(node.expr.prettify())
            for label in SERIES[str(selector.name)]
        }
        assert set(node.modifier.labels) <= available, name

    _walk(expression, check, promql_parser.AggregateExpr)


def test_every_metric_of_ours_that_is_for_people_is_on_the_dashboard() -> None:
    shown = {str(s.name) for _, expression in expressions() for s in selectors(expression)}
    families = {family.name for family in Metrics("1").registry.collect()}
    missing = {
        name
        for name in families
        if name.startswith("midwatch_") and not any(one.startswith(name) for one in shown)
    }
    assert missing == set()


def test_panels_are_whole_and_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    numbers = [panel["id"] for panel in panels()]
    assert len(set(numbers)) == len(numbers)


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    assert len(rules()) >= 6
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]


@pytest.mark.skipif(PROMTOOL is None, reason="there is no promtool here (apt install prometheus)")
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", FOLDER / "alerts.yaml"),
        ("test", "rules", Path(__file__).with_name("alerts_test.yaml")),
    ],
    ids=lambda arguments: arguments[0],
)
def test_the_alerts_fire_when_they_should(arguments: tuple[str | Path, ...]) -> None:
    assert PROMTOOL
    ran = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
