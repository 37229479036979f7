import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.assistant.cli.program import Ran
from tests.tools.metrics.prometheus_server import PROMETHEUS, PROMTOOL, PrometheusServer
from tests.tools.metrics.shop_history import START as HISTORY_START
from tests.tools.metrics.shop_history import history
from tools.errors import BackendUnavailable
from tools.metrics.backend import Deadline, Family, Reading, Span, Targets
from tools.metrics.tables import TableMetrics

Midwatch = Callable[..., Ran]

START = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
ALERT = 'ALERTS{alertname="PoolFull",alertstate="firing",severity="critical"}'


def rows(start: datetime) -> Iterator[str]:
    """An hour, a sample every 15 s: a pool fills after 45 min, a target goes down after 50."""
    yield "timestamp,metric,value"
    for number in range(240):
        at = f"{start + timedelta(seconds=15 * number):%Y-%m-%dT%H:%M:%SZ}"
        yield f'{at},pool_in_use{{service="checkout"}},{20 if number >= 180 else 2 + number % 2}'
        yield f"{at},queue_depth,{5 + number % 3}"
        yield f'{at},up{{job="checkout",instance="a:9"}},{int(number < 200)}'
        if number >= 210:
            yield f"{at},{ALERT},1"


def write_table(folder: Path, lines: Iterator[str]) -> Path:
    (folder / "metrics").mkdir(parents=True)
    (folder / "metrics" / "shop.csv").write_text("\n".join(lines) + "\n")
    (folder / "bundle.toml").write_text('now = "2026-03-01T03:00:00Z"\n')
    return folder


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A bundle with nothing but that table."""
    return write_table(tmp_path / "shop", rows(START))


def test_a_survey_tells_alerts_then_targets_then_changes(midwatch: Midwatch, shop: Path) -> None:
    ran = midwatch("metrics", "--bundle", shop)
    assert (ran.status, ran.err) == (0, "")
    head, *told = [part.splitlines() for part in ran.out.split("\n\n")]
    assert head == [
        "metrics/shop.csv, 2026-03-01 02:00:00Z to 2026-03-01 02:59:45Z",
        "metrics: 4; series: 2; alerts firing: 1; targets down: 1 of 1",
    ]
    assert [lines[0].split(" (")[0] for lines in told] == [
        "alert firing since 2026-03-01 02:52:30Z",
        "1 target down",
        "rose from 2.5 to 20 at 2026-03-01 02:45:00Z",
    ]
    assert told[2][1:] == [
        '  2026-03-01T02:45:00Z,pool_in_use{service="checkout"},20',
        "  metrics/shop.csv:542",
    ]


def test_json_is_the_contract(midwatch: Midwatch, shop: Path) -> None:
    ran = midwatch("metrics", "--bundle", shop, "--since", "30m", "--json")
    found = json.loads(ran.out)
    assert (ran.status, ran.err) == (0, "")
    assert (found["start"], found["end"], found["baseline_start"]) == (
        "2026-03-01T02:30:00+00:00",
        "2026-03-01T02:59:45+00:00",
        "2026-03-01T02:00:00+00:00",
    )
    assert [(a["name"], a["is_firing"], a["until"]) for a in found["alerts"]] == [
        ("PoolFull", True, None)
    ]
    assert found["targets"]["total"] == 1
    assert found["targets"]["down"][0]["labels"] == {"job": "checkout", "instance": "a:9"}
    [change] = found["changes"]
    assert change | {"kind": "shift", "labels": {"service": "checkout"}, "count": 1} == change
    assert (change["name"], change["at"]) == ("pool_in_use", "2026-03-01T02:45:00+00:00")
    assert (change["before"], change["after"], change["until"]) == (2.5, 20.0, None)
    assert 0 < change["strength"] <= 1
    assert 0 < change["suspicion"] <= 1
    assert change["sparkline"] in change["note"]
    assert len(change["sparkline"]) == 24
    lines = (shop / "metrics" / "shop.csv").read_text().splitlines()
    assert lines[change["line"] - 1] == change["text"]
    assert (found["unread"], found["notes"]) == (0, [])


def test_a_window_leaves_out_what_came_before(midwatch: Midwatch, shop: Path) -> None:
    ran = midwatch("metrics", "--bundle", shop, "--since", "10m", "--baseline", "4m", "--json")
    found = json.loads(ran.out)
    assert found["baseline_start"] == "2026-03-01T02:46:00+00:00"
    assert found["changes"] == []


def test_only_so_many_are_shown(midwatch: Midwatch, shop: Path) -> None:
    ran = midwatch("metrics", "--bundle", shop, "-n", "1")
    assert "PoolFull" in ran.out
    assert "pool_in_use" not in ran.out
    assert ran.out.endswith("\n… and 2 more: raise -n, or take --json\n")


def test_one_metric_changed_or_quiet(midwatch: Midwatch, shop: Path) -> None:
    changed = midwatch("metrics", "--bundle", shop, "pool_in_use")
    assert "pool_in_use in metrics/shop.csv" in changed.out
    assert "1 series" in changed.out
    assert "rose from 2.5 to 20" in changed.out
    quiet = midwatch("metrics", "--bundle", shop, "queue_depth")
    assert "no change beyond its usual range" in quiet.out
    assert "2026-03-01T02:59:45Z,queue_depth,7" in quiet.out
    both = json.loads(midwatch("metrics", "--bundle", shop, '{job!="checkout"}', "--json").out)
    assert [change["name"] for change in both["changes"]] == ["pool_in_use"]
    assert [(one["name"], one["last"]) for one in both["quiet"] if one["name"][0] == "q"] == [
        ("queue_depth", 7.0)
    ]


def test_names_by_words(midwatch: Midwatch, shop: Path) -> None:
    ran = midwatch("metrics", "--bundle", shop, "--search", "pool use")
    assert [line.split() for line in ran.out.splitlines()] == [
        ["metric", "kind", "series"],
        ["pool_in_use", "unknown", "1"],
    ]
    found = json.loads(
        midwatch("metrics", "--bundle", shop, "--search", "queues depth", "--json").out
    )
    assert [name["name"] for name in found["names"]] == ["queue_depth"]
    assert found["searched"] == 4
    none = midwatch("metrics", "--bundle", shop, "--search", "latency")
    assert (none.status, none.out) == (0, "None of 4 names of metrics fits.\n")


def test_nothing_that_stands_out_is_said(midwatch: Midwatch, tmp_path: Path) -> None:
    calm = (row for row in rows(START) if "queue_depth" in row or row.startswith("timestamp"))
    ran = midwatch("metrics", "--bundle", write_table(tmp_path / "calm", calm))
    assert ran.status == 0
    assert ran.out.endswith("Nothing stands out.\n")


def test_values_that_json_has_no_word_for(midwatch: Midwatch, tmp_path: Path) -> None:
    strange = ["timestamp,metric,value", *(f"2026-03-01T02:0{m}:00Z,ratio,NaN" for m in range(9))]
    folder = write_table(tmp_path / "strange", iter(strange))
    ran = midwatch("metrics", "--bundle", folder, "ratio", "--json")
    assert "NaN" not in ran.out.replace("values are NaN", "")
    assert json.loads(ran.out)["quiet"][0]["last"] is None


def test_without_a_server_the_setting_is_named(midwatch: Midwatch) -> None:
    ran = midwatch("metrics")
    assert (ran.status, ran.out) == (1, "")
    assert "no metrics are set up" in ran.said
    assert "[metrics] prometheus" in ran.said
    assert "--bundle" in ran.said


def test_a_server_that_does_not_answer(
    midwatch: Midwatch, settings_file: Callable[[str], Path]
) -> None:
    settings_file('[metrics]\nprometheus = "http://127.0.0.1:1"\n')
    for arguments in ([], ["up"], ["--search", "up"]):
        ran = midwatch("metrics", *arguments)
        assert (ran.status, ran.out) == (1, "")
        assert "127.0.0.1:1" in ran.said


def test_a_bundle_without_metrics(midwatch: Midwatch, bundle: Path) -> None:
    ran = midwatch("metrics", "--bundle", bundle)
    assert (ran.status, ran.out) == (1, "")
    assert "holds no metrics" in ran.said
    assert "metrics/*.csv" in ran.said


def test_a_name_that_is_not_there(midwatch: Midwatch, shop: Path) -> None:
    ran = midwatch("metrics", "--bundle", shop, "pool_in_usee")
    assert (ran.status, ran.out) == (1, "")
    assert "close to it: pool_in_use" in ran.said


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--baseline", "2h"], "--since"),
        (["up", "--search", "up"], "--search"),
        (["--timeout", "0"], "--timeout"),
    ],
)
def test_what_does_not_go_together(
    midwatch: Midwatch, arguments: Sequence[str], named: str
) -> None:
    ran = midwatch("metrics", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert named in ran.said


class Server(TableMetrics):
    """Tables in place of a server, that note what they were asked and whether they were closed."""

    def __init__(self, path: Path) -> None:
        super().__init__({"shop.csv": path})
        self.spans: list[Span] = []
        self.left_s = 0.0
        self.is_closed = False
        self.is_slow = False
        self.is_ill = False
        self.is_empty = False

    def targets(self, span: Span, deadline: Deadline) -> Targets:
        if self.is_ill:
            raise BackendUnavailable("it broke off")
        return super().targets(span, deadline)

    def families(self, span: Span, deadline: Deadline) -> Sequence[Family]:
        if self.is_ill:
            raise BackendUnavailable("it broke off")
        self.spans.append(span)
        self.left_s = deadline.left_s
        return [] if self.is_empty else super().families(span, deadline)

    def read(self, families: Sequence[Family], span: Span, deadline: Deadline) -> Reading:
        if self.is_slow:
            return Reading((), tuple(families), ("the server is slow",))
        return super().read(families, span, deadline)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The shop an hour ago until now, on what the settings call a server."""
    folder = write_table(tmp_path / "live", rows(datetime.now(UTC) - timedelta(hours=1)))
    found = Server(folder / "metrics" / "shop.csv")
    monkeypatch.setattr("assistant.live.metric_backend", lambda settings: found)
    return found


def test_a_server_is_asked_about_the_usual_time(
    midwatch: Midwatch, server: Server, settings_file: Callable[[str], Path]
) -> None:
    settings_file('[logs]\nwindow = "30m"\n[metrics]\ntimeout_s = 77\n')
    found: dict[str, Any] = json.loads(midwatch("metrics", "--json").out)
    [span] = server.spans
    assert 29 * 60 < span.end - span.window_start <= 30 * 60
    assert 40 < server.left_s <= 77
    assert [change["name"] for change in found["changes"]] == ["pool_in_use"]
    assert server.is_closed


def test_time_may_be_given(midwatch: Midwatch, server: Server) -> None:
    midwatch("metrics", "--since", "20m", "--timeout", "5")
    [span] = server.spans
    assert span.end - span.window_start <= 20 * 60
    assert server.left_s <= 5


def test_what_was_not_looked_at_is_said(midwatch: Midwatch, server: Server) -> None:
    server.is_slow = True
    ran = midwatch("metrics")
    assert ran.status == 0
    assert "not looked at: 2 metrics; raise --timeout" in ran.out
    assert "the server is slow" in ran.out
    assert "PoolFull" in ran.out


def test_a_server_that_tells_nothing_is_a_failure(midwatch: Midwatch, server: Server) -> None:
    server.is_ill = True
    ran = midwatch("metrics")
    assert ran.status == 1
    assert "metrics were not looked at: it broke off" in ran.out
    assert "Nothing stands out." not in ran.out


def test_where_there_are_no_metrics_nothing_is_called_well(
    midwatch: Midwatch, server: Server
) -> None:
    server.is_empty = True
    ran = midwatch("metrics", "--since", "1s")
    assert ran.out.endswith("There are no metrics in this time.\n")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prometheus whose shop broke 40 minutes ago."""
    if not PROMETHEUS or not PROMTOOL:
        pytest.skip("there is no prometheus and promtool on this machine (apt install prometheus)")
    server = PrometheusServer(tmp_path_factory.mktemp("prometheus"))
    later_s = (datetime.now(UTC) - timedelta(hours=4) - HISTORY_START) // timedelta(seconds=1)
    server.record((name, labels, at + later_s, value) for name, labels, at, value in history())
    try:
        server.start()
        yield server.url
    finally:
        server.stop()


def test_a_real_prometheus(
    midwatch: Midwatch, settings_file: Callable[[str], Path], prometheus: str
) -> None:
    settings_file(f'[metrics]\nprometheus = "{prometheus}"\n')
    found = json.loads(midwatch("metrics", "--json").out)
    assert [alert["name"] for alert in found["alerts"]] == ["ManyErrors"]
    assert {change["name"] for change in found["changes"]} >= {"db_pool_in_use", "shop_calls_total"}
    pool = midwatch("metrics", "db_pool_in_use / db_pool_size")
    assert (pool.status, pool.err) == (0, "")
    assert '\n  {job="shop"} 1 @ ' in pool.out
    names = midwatch("metrics", "--search", "pool")
    assert [line.split()[0] for line in names.out.splitlines()[1:]] == [
        "db_pool_size",
        "db_pool_in_use",
    ]
    refused = midwatch("metrics", "sum(rate(")
    assert (refused.status, refused.out) == (1, "")
    assert "unclosed left parenthesis" in refused.said
