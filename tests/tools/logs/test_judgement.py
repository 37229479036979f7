"""What the sources of one incident say together: text in, findings in their order out."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tools.logs.analysis import LogReport, analyze_logs, summarize, to_findings
from tools.logs.report import LogFinding
from tools.scope import LogSource
from tools.window import Window

START = datetime(2025, 1, 2, 3, tzinfo=UTC)
Records = list[tuple[float, str]]
Judge = Callable[..., LogReport]


def at(second: float, text: str) -> str:
    moment = START + timedelta(seconds=second)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03} {text}"


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """The report on logs, given as lists of (second, text)."""

    def run(
        logs: Mapping[str, Records],
        depends_on: Mapping[str, Sequence[str]] | None = None,
        window: Window | None = None,
    ) -> LogReport:
        sources = []
        for name, records in logs.items():
            path = tmp_path / f"{name}.log"
            path.write_text("".join(f"{at(*record)}\n" for record in sorted(records)))
            sources.append(LogSource(name, (path,)))
        now = START + timedelta(days=1)
        more = {} if window is None else {"window": window}
        return analyze_logs(sources, now=now, depends_on=depends_on or {}, **more)

    return run


def served(first: float, last: float, per_second: int = 2) -> Records:
    count = int((last - first) * per_second)
    return [(first + n / per_second, f"INFO served request {n}") for n in range(count)]


def failing(first: float, last: float, text: str, period: float = 0.5) -> Records:
    count = int((last - first) / period)
    return [(first + n * period, f"{text} {n}") for n in range(count)]


def order(report: LogReport, least: float = 0.4) -> list[str]:
    return [finding.source for finding in report.findings if finding.suspicion >= least]


def finding(report: LogReport, words: str) -> LogFinding:
    return next(item for item in report.findings if words in item.text)


HEALTHY: Mapping[str, Mapping[str, Records]] = {
    "traffic and a heartbeat": {
        "api": [*served(0, 600), *((n * 10.0, "INFO heartbeat") for n in range(60))],
    },
    "declined cards at a constant rate": {
        "api": [*served(0, 600), *failing(3, 590, "WARN card declined, order", 23)],
    },
    "a boilerplate warning at the start": {
        "api": [
            (0.0, "INFO starting server 1.2.0"), (0.1, "WARN no config file, using defaults"),
            (0.2, "CRIT running without authentication"), (0.4, "INFO listening on :80"),
            *served(1, 600),
        ],
    },
    "a quiet deploy": {
        "deploy": [(300.0, "api 1.3.0 (was 1.2.0)")],
        "api": [
            (0.0, "INFO listening on :80 version=1.2.0"), *served(1, 300),
            (302.0, "INFO listening on :80 version=1.3.0"), *served(303, 600),
        ],
    },
    "a log that was cut": {"api": served(0, 600), "other": served(0, 40)},
    "a graceful stop at the end": {"api": [*served(0, 600), (600.0, "INFO shutting down")]},
    "a deprecation warning all the time": {
        "api": [*served(0, 600), *failing(0, 600, "WARN setFont is deprecated", 1)],
    },
    "a short log beside a long one": {
        "api": [*served(5400, 6000), *failing(5403, 6000, "WARN card declined, order", 23)],
        "cron": [(n * 60.0, f"INFO tick {n}") for n in range(100)],
    },
    "jobs of a scheduler": {
        "cron": [
            entry for n in range(20)
            for entry in ((n * 30.0, f"INFO job {n} started"), (n * 30.0 + 4, f"INFO job {n} done"))
        ],
        "api": served(0, 600),
    },
}  # fmt: skip


@pytest.mark.parametrize("logs", HEALTHY.values(), ids=HEALTHY.keys())
def test_healthy_logs_are_not_suspicious(judge: Judge, logs: Mapping[str, Records]) -> None:
    report = judge(logs)
    assert [item for item in report.findings if item.suspicion >= 0.3] == []
    assert report.timeline is None


def test_a_change_just_before_the_first_error_is_a_lead(judge: Judge) -> None:
    report = judge(
        {
            "deploy": [(20.0, "api 1.1.0 (was 1.0.0)"), (260.0, "api 1.2.0 (was 1.1.0)")],
            "api": [*served(0, 300), *failing(300, 600, "ERROR no such column gift_note")],
        }
    )
    assert order(report)[:2] == ["api", "deploy"]
    lead = finding(report, "api 1.2.0")
    assert (lead.kind, lead.line) == ("change", 2)
    assert lead.note.startswith("change at 03:04:20, 40 s before the first problem, in api")
    assert lead.suspicion < 0.7
    assert finding(report, "api 1.1.0").suspicion < 0.3


def test_an_old_error_does_not_hide_what_led_to_a_later_incident(judge: Judge) -> None:
    report = judge(
        {
            "deploy": [(7000.0, "api 1.2.0 (was 1.1.0)")],
            "api": [
                *served(0, 7200), (900.0, "ERROR a single hiccup"),
                *failing(7030, 7200, "ERROR no such column gift_note"),
            ],
        }
    )  # fmt: skip
    assert "30 s before the first problem" in finding(report, "api 1.2.0").note


def test_what_a_new_setting_changed_stands_above_the_change(judge: Judge) -> None:
    report = judge(
        {
            "deploy": [(295.0, "api is deployed anew")],
            "api": [
                (0.0, "INFO listening on :80 ttl_s=15"), *served(1, 295),
                (296.0, "INFO listening on :80 ttl_s=none"), *served(297, 310),
                *failing(310, 600, "ERROR out of room for session"),
            ],
        }
    )  # fmt: skip
    assert "ttl_s=none" in report.findings[1].text
    assert "ttl_s 15 -> none" in report.findings[1].note
    assert report.findings[1].suspicion <= 0.65


def test_what_was_never_said_before_the_trouble_is_a_lead(judge: Judge) -> None:
    report = judge(
        {
            "store": [(297.0, "INFO taking the write lock for 900000 documents"), *served(0, 297)],
            "api": [*served(0, 300), *failing(300, 600, "ERROR query timed out")],
        }
    )
    lead = finding(report, "write lock")
    assert lead.note.startswith("first seen 3 s before the first problem, in api")
    assert 0.3 <= lead.suspicion < 0.7


BEFORE: Mapping[str, tuple[float, Mapping[str, Records]]] = {
    "a job that ran before without trouble": (
        300, {"store": [(n * 60 - 2.0, "INFO full backup started") for n in range(1, 6)]},
    ),
    "what comes so rarely that it is no news": (
        300, {"store": [(n, "INFO taking the write lock") for n in (297.0, 497.0, 697.0)]},
    ),
    "what a process says as it starts": (
        300,
        {"store": [
            *served(0, 290), (296.0, "INFO store is listening on :90"), (297.0, "INFO pages: 9"),
            *served(298, 900),
        ]},
    ),
    "details of the error": (300, {"api": [(300.0, "INFO while taking the write lock")]}),
}  # fmt: skip


@pytest.mark.parametrize(("began", "others"), BEFORE.values(), ids=BEFORE.keys())
def test_what_is_no_lead(judge: Judge, began: float, others: Mapping[str, Records]) -> None:
    api = [*served(0, began), *failing(began, 900, "ERROR query timed out"), *others.get("api", [])]
    report = judge({**others, "api": api})
    assert {item.level for item in report.findings if item.suspicion >= 0.3} == {"ERROR"}


def test_at_the_beginning_of_the_logs_all_is_new_and_says_nothing(judge: Judge) -> None:
    api = [*served(0, 60), *failing(60, 300, "ERROR query timed out"), *served(300, 900)]
    report = judge({"api": api, "store": [(45.0, "INFO taking the write lock")]})
    assert order(report, 0.3) == ["api"]


def test_within_a_second_nothing_leads_to_anything(judge: Judge) -> None:
    records = [(0.0, "INFO alpha"), (0.3, "INFO beta"), (0.4, "ERROR query timed out")]
    assert order(judge({"api": records}), 0.3) == ["api"]


def test_what_the_baseline_does_not_know_is_new_even_at_a_constant_rate(judge: Judge) -> None:
    report = judge(
        {
            "deploy": [(395.0, "api 1.2.0 (was 1.1.0)")],
            "api": [*served(0, 400), *failing(400, 900, "ERROR no such column gift_note")],
        },
        window=Window(START + timedelta(seconds=390), None),
    )
    assert "5 s before the first problem, in api" in finding(report, "api 1.2.0").note


def test_what_precedes_each_return_of_the_trouble_is_a_lead(judge: Judge) -> None:
    times = [60.0, 170, 310, 420, 555]
    report = judge(
        {
            "store": [
                *served(0, 600),
                *((second - 4, "INFO sweep of old pages") for second in times),
            ],
            "proxy": [
                *served(0, 600),
                *((second, "WARN backend store is DOWN") for second in times),
                *((second + 3, "INFO backend store is UP") for second in times),
            ],
        }
    )
    assert [item.text[24:] for item in to_findings(report, 2)] == [
        "WARN backend store is DOWN",
        "INFO sweep of old pages",
    ]
    assert "came 4 s before each of the 5 times of: " in finding(report, "sweep").note
    assert "went and came back 5 times" in to_findings(report, 1)[0].note


def test_trouble_in_a_needed_service_stands_above_its_echoes(judge: Judge) -> None:
    logs = {
        "storefront": [*served(0, 300), *failing(302, 600, "ERROR pricing did not answer, basket")],
        "pricing": [*served(0, 300), *failing(301, 600, "ERROR no price, tax is unavailable for")],
        "tax": [*served(0, 299), *failing(299, 600, "WARN slow lookup")],
    }
    assert list(dict.fromkeys(order(judge(logs), 0.6))) == ["tax", "pricing", "storefront"]


def test_the_settings_say_who_needs_whom(judge: Judge) -> None:
    logs = {
        "web": [*served(0, 300), *failing(300, 600, "ERROR no answer")],
        "database": [*served(0, 299), *failing(299, 600, "WARN checkpoint is late")],
    }
    assert order(judge(logs), 0.6)[0] == "web"
    assert order(judge(logs, {"web": ["cache"], "cache": ["database"]}), 0.6)[0] == "database"


def test_later_trouble_of_a_needed_service_is_no_cause(judge: Judge) -> None:
    logs = {
        "web": [*served(0, 200), *failing(200, 600, "ERROR no answer")],
        "database": [*served(0, 500), *failing(500, 600, "WARN checkpoint is late")],
    }
    assert order(judge(logs, {"web": ["database"]}), 0.6)[0] == "web"


def test_a_silence_is_a_finding_with_the_last_line(judge: Judge) -> None:
    beats = [(n * 10.0, f"INFO heartbeat {n}") for n in range(31)]
    report = judge({"worker": beats, "api": served(0, 900)})
    first = report.findings[0]
    assert (first.kind, first.text) == ("silence", at(300, "INFO heartbeat 30"))
    assert first.note.startswith("came every 10 s until 03:05:00, then never again in 10 min")


def test_what_fell_silent_before_the_window_is_found(judge: Judge) -> None:
    beats = [(n * 10.0, f"INFO heartbeat {n}") for n in range(31)]
    window = Window(START + timedelta(seconds=400), None)
    report = judge({"worker": beats, "api": served(0, 900)}, window=window)
    first = report.findings[0]
    assert (first.kind, first.source, first.text) == (
        "silence", "worker", at(300, "INFO heartbeat 30"),
    )  # fmt: skip
    assert first.note.startswith("came every 10 s until 03:05:00, then never again in 10 min")
    long_after = Window(START + timedelta(seconds=700), None)
    assert order(judge({"worker": beats, "api": served(0, 900)}, window=long_after), 0.3) == []


def test_what_failures_replaced_before_the_window_is_no_silence(judge: Judge) -> None:
    logs = {"api": [*served(0, 300), *failing(300, 600, "ERROR request failed")]}
    report = judge(logs, window=Window(START + timedelta(seconds=320), None))
    assert {item.kind for item in report.findings} == {"template"}


def test_the_first_problem_says_so(judge: Judge) -> None:
    report = judge(
        {
            "db": [*served(0, 286), *failing(286, 600, "ERROR deadlock detected")],
            "checkout": [*served(0, 300), *failing(300, 600, "ERROR order failed")],
        }
    )
    assert report.findings[0].source == "db"
    assert "first problem of all sources" in report.findings[0].note
    assert "of this source's lines 100% are problems since 03:05:00, 0.0% before" in (
        finding(report, "order failed").note
    )


def test_a_failed_request_beside_its_error_sinks(judge: Judge) -> None:
    pairs = [
        entry
        for n in range(100)
        for entry in (
            (300 + n, "ERROR cannot get a connection"),
            (300.001 + n, '"GET /orders HTTP/1.1" 500 3ms'),
        )
    ]
    report = judge({"api": [*served(0, 300), *pairs]})
    assert finding(report, "cannot get").suspicion - finding(report, " 500 ").suspicion > 0.2


def test_the_timeline_is_in_the_order_of_time(judge: Judge) -> None:
    report = judge(
        {
            "deploy": [(280.0, "api 1.2.0 (was 1.1.0)")],
            "api": [*served(0, 300), *failing(300, 600, "ERROR no such column")],
            "web": [*served(0, 301), *failing(301, 600, "ERROR api failed")],
        }
    )
    assert report.timeline is not None
    events = report.timeline.events
    assert [event.source for event in events] == ["deploy", "api", "web"]
    assert [event.time for event in events] == sorted(event.time for event in events)
    assert {event.finding_id for event in events} <= {item.id for item in report.findings}
    assert summarize(report).splitlines()[-1] == (
        "In the order of time: 03:04:40Z deploy: api 1.2.0 (was 1.1.0); "
        "03:05:00Z api: no such column 0; 03:05:01Z web: api failed 0"
    )


def test_what_the_baseline_knows_sinks(judge: Judge) -> None:
    logs = {
        "api": [
            *served(0, 600),
            *failing(0, 600, "ERROR cache miss", 5),
            *failing(420, 600, "ERROR disk is full", 5),
        ]
    }
    report = judge(logs, window=Window(START + timedelta(seconds=400), None))
    assert "disk is full" in report.findings[0].text
    assert finding(report, "cache miss").suspicion <= 0.5


def test_ids_tell_all_findings_apart_and_stay(judge: Judge) -> None:
    logs = {
        "deploy": [(280.0, "api 1.2.0"), (290.0, "api 1.2.1")],
        "api": [*served(0, 300), *failing(300, 600, "ERROR no such column")],
    }
    first, again = judge(logs), judge(logs)
    assert [item.id for item in first.findings] == [item.id for item in again.findings]
    assert len({item.id for item in first.findings}) == len(first.findings)


def test_logs_without_times_are_judged_by_their_words(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("started\nworking\n" * 40 + "ERROR cannot reach the store\n")
    report = analyze_logs([LogSource("app", (path,))], now=START)
    assert "cannot reach" in report.findings[0].text
    assert report.timeline is None
