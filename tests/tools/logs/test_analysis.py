import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tools.errors import SourceUnreadable
from tools.logs.analysis import LogReport, analyze_logs, summarize, to_findings
from tools.logs.reader import read_blocks
from tools.scope import LogSource
from tools.window import EVERYTHING, Window

START = datetime(2025, 1, 2, 3, tzinfo=UTC)
NOW = START + timedelta(hours=2)

Analyze = Callable[..., LogReport]


@pytest.fixture
def analyze(tmp_path: Path) -> Analyze:
    def run(lines: Iterable[str], window: Window = EVERYTHING, **more: Window) -> LogReport:
        path = tmp_path / "app.log"
        path.write_text("".join(f"{line}\n" for line in lines))
        return analyze_logs([LogSource("app", (path,))], now=NOW, window=window, **more)

    return run


def stamp(second: int) -> str:
    return (START + timedelta(seconds=second)).strftime("%Y-%m-%d %H:%M:%S")


def noise(count: int) -> list[str]:
    return [f"{stamp(n)} INFO served request {n} in {n % 7} ms" for n in range(count)]


def test_one_error_among_noise_comes_first(analyze: Analyze) -> None:
    lines = noise(2000)
    lines[1500] = f"{stamp(1500)} ERROR cannot get a connection from the pool"
    report = analyze(lines)
    first = report.findings[0]
    assert (first.line, first.text, first.level) == (1501, lines[1500], "ERROR")
    assert (first.count, first.baseline_count, first.is_new) == (1, None, True)
    assert "1 of 2,000 lines" in first.note
    assert "first seen at 75% of the log" in first.note
    assert report.findings[-1].suspicion < 0.1
    (source,) = report.sources
    assert (source.lines, source.levels) == (2000, {"ERROR": 1, "INFO": 1999})
    assert (source.first, source.last) == (START, START + timedelta(seconds=1999))
    assert (source.problem_lines, report.template_count) == (1, 2)


def test_a_rare_unlevelled_line_among_noise_comes_first(analyze: Analyze) -> None:
    lines = [f"Log entry {n}" for n in range(3000)]
    lines[2000] = "Peer down"
    assert analyze(lines).findings[0].text == "Peer down"


def test_constant_errors_sink_below_new_ones(analyze: Analyze) -> None:
    lines = noise(1000)
    lines[::10] = [f"{stamp(n)} ERROR cache miss for key {n}" for n in range(0, 1000, 10)]
    lines[801::20] = [f"{stamp(n)} ERROR disk full on volume" for n in range(801, 1000, 20)]
    new, old = analyze(lines).findings[:2]
    assert "disk full" in new.text
    assert "steady rate" in old.note
    assert new.suspicion > old.suspicion


def test_growth_is_told(analyze: Analyze) -> None:
    lines = noise(1000)
    for n in [*range(0, 900, 100), *range(900, 1000, 2)]:
        lines[n] = f"{stamp(n)} WARN upstream timed out after {n} ms"
    (growing,) = (f for f in analyze(lines).findings if f.level == "WARN")
    assert "grew from 1.0% of lines in the first tenth to 50% in the last" in growing.note


def test_http_status_and_exceptions_raise_the_level(analyze: Analyze) -> None:
    report = analyze(
        [
            f'{stamp(0)} INFO "GET /a HTTP/1.1" 200 3ms',
            f'{stamp(1)} INFO "GET /a HTTP/1.1" 503 3ms',
            f"{stamp(2)} INFO caught java.net.ConnectException",
            json.dumps({"ts": stamp(3), "level": "info", "msg": "done", "status": 500}),
            json.dumps({"ts": stamp(4), "level": "info", "msg": "done", "status": 200}),
        ]
    )
    assert [f.level for f in sorted(report.findings, key=lambda f: f.line)] == [
        "INFO", "ERROR", "WARN", "ERROR", "INFO",
    ]  # fmt: skip
    assert report.sources[0].levels == {"INFO": 5}


def test_a_leak_is_a_finding_with_figures(analyze: Analyze) -> None:
    lines = [
        json.dumps({"ts": stamp(n), "level": "info", "msg": "tick", "heap_mb": 100 + n // 2})
        for n in range(1000)
    ]
    finding = analyze(lines).findings[0]
    assert finding.text in lines
    assert finding.note.startswith(f"heap_mb rose from 100 ({stamp(0)}Z) to 599")


def test_numbers_in_plain_messages_are_followed(analyze: Analyze) -> None:
    finding = analyze(
        f"{stamp(n)} INFO queue length is {n // 3} items" for n in range(900)
    ).findings[0]
    assert finding.note.startswith("length is rose from 0")


def test_a_number_that_measures_nothing_is_a_weak_lead(analyze: Analyze) -> None:
    lines = [f"{stamp(n)} INFO finished part {n * 37 % 11 + n // 9} of stage" for n in range(900)]
    number = next(item for item in analyze(lines).findings if item.kind == "number")
    assert number.suspicion < 0.5


def test_ids_and_counters_are_not_followed(analyze: Analyze) -> None:
    report = analyze(
        json.dumps({"ts": stamp(n), "msg": f"request {n} ok", "request_id": n, "seq": n})
        for n in range(500)
    )
    assert [finding.count for finding in report.findings] == [500]


def test_a_dominant_value_is_told(analyze: Analyze) -> None:
    lines = [
        json.dumps(
            {"ts": stamp(n), "level": "error", "msg": "too many requests",
             "client_ip": "10.0.0.9" if n % 10 else f"10.1.1.{n}", "request_id": f"r-{n}"}
        )
        for n in range(100)
    ]  # fmt: skip
    (finding,) = analyze(lines).findings
    assert "90% of them with client_ip 10.0.0.9" in finding.note


def test_a_value_that_a_line_names_twice_counts_once(analyze: Analyze) -> None:
    (finding,) = analyze(
        [f"{stamp(n)} ERROR 10.0.0.9 refused by 10.0.0.9, port {n}" for n in range(9)]
        + [f"{stamp(9)} ERROR 10.0.0.7 refused by 10.0.0.8, port 9"]
    ).findings
    assert "90% of them with address 10.0.0.9" in finding.note


def test_a_window_is_compared_with_what_was_before(analyze: Analyze) -> None:
    lines = noise(1000)
    lines[100] = f"{stamp(100)} ERROR old trouble"
    lines[950] = f"{stamp(950)} ERROR old trouble"
    lines[960] = f"{stamp(960)} ERROR new trouble"
    report = analyze(lines, Window(START + timedelta(seconds=900), None))
    new, old = report.findings[:2]
    assert ("new trouble" in new.text, new.is_new, new.baseline_count) == (True, True, 0)
    assert ("old trouble" in old.text, old.is_new, old.baseline_count, old.line) == (
        True, False, 1, 951,
    )  # fmt: skip
    assert report.sources[0].levels == {"ERROR": 2, "INFO": 98}
    assert "never in the 900 lines of the baseline" in new.note


def test_a_given_baseline_is_used(analyze: Analyze) -> None:
    window = Window(START + timedelta(seconds=900), None)
    baseline = Window(START + timedelta(seconds=800), window.start)
    assert analyze(noise(1000), window, baseline=baseline).findings[0].baseline_count == 100


def test_a_window_without_lines_says_so(analyze: Analyze) -> None:
    report = analyze(noise(10), Window(NOW, None))
    assert report.findings == ()
    assert "no lines in this time range" in summarize(report)


def test_a_window_over_a_log_without_times_says_so(analyze: Analyze) -> None:
    report = analyze(["one", "two"], Window(NOW, None))
    assert "all lines were read" in summarize(report)
    assert report.findings[0].count == 1


def test_verdicts(analyze: Analyze) -> None:
    assert "lines with a problem: 0, nothing wrong was found in this log" in summarize(
        analyze(noise(9))
    )
    assert "app: empty: no log lines" in summarize(analyze([]))
    assert "lines with a problem: 1" in summarize(analyze([f"{stamp(0)} ERROR x failed"]))


def test_findings_are_verbatim_prefixes(analyze: Analyze) -> None:
    line = f"{stamp(0)} ERROR " + "x y " * 300
    report = analyze([line])
    (finding,) = to_findings(report, 5)
    assert line.startswith(finding.text)
    assert len(finding.text) == 400
    assert report.findings[0].sample == finding.text + "…"


def test_like_findings_of_two_sources_are_one(tmp_path: Path) -> None:
    sources = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.log"
        path.write_text(f"{stamp(0)} ERROR pool is empty after 3 s\n" * (2 if name == "b" else 1))
        sources.append(LogSource(name, (path,)))
    (finding,) = to_findings(analyze_logs(sources, now=NOW), 9)
    assert finding.note.endswith("also in b (2)")


def test_ids_are_stable_and_distinct(analyze: Analyze) -> None:
    lines = [f"{stamp(0)} ERROR a failed", f"{stamp(1)} ERROR b lost"]
    first, second = (analyze(lines) for _ in range(2))
    assert [f.id for f in first.findings] == [f.id for f in second.findings]
    assert len({f.id for f in first.findings}) == 2


def test_memory_is_bounded_when_every_line_is_new(
    analyze: Analyze, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.logs.groups.MAX_KINDS", 100)
    words = ["ab", "cd", "ef", "gh", "ij", "kl", "mn"]
    lines = [" ".join(words[(n // 7**k) % 7] for k in range(4)) for n in range(7**4)]
    report = analyze(lines)
    assert sum(finding.count for finding in report.findings) <= 7**4
    assert report.template_count < 200


def test_an_unreadable_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable):
        analyze_logs([LogSource("dir", (tmp_path,))], now=NOW)


@pytest.mark.parametrize(
    "line",
    [
        "2025-01-02T03:04:05Z stdout F " * 500,
        '{"msg": "x", "time": 1' + "0" * 400 + ', "size": 1' + "0" * 400 + "}",
        '{"msg": "x", "size": NaN, "rate": Infinity, "status": [1], "time": true}',
        "size 1" + "0" * 400,
        '{"level": {"a": 1}, "msg": null, "error": [], "ts": "9999-12-31T23:59:59-14:00"}',
        "<999>1 x x x x x - x",
        "\x1b[31m\u202e\x07",
        '{"log": "{\\"log\\": 1}"}',
    ],
)
def test_hostile_lines_are_only_lines(analyze: Analyze, line: str) -> None:
    report = analyze([f"{stamp(0)} INFO start", *[line] * 30])
    assert sum(source.lines for source in report.sources) == 31
    assert report.template_count == 2


def test_equal_values_of_different_fields_are_not_mixed_up(analyze: Analyze) -> None:
    report = analyze(['{"msg": "m", "path": "disk"}', '{"msg": "m", "error": "disk"}'])
    assert sorted(finding.template for finding in report.findings) == [
        "m error=disk",
        "m path=disk",
    ]


def test_progress_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("x\n" * 25_000)
    calls: list[tuple[str, int]] = []
    analyze_logs(
        [LogSource("app", (path,))], now=NOW, progress=lambda name, n: calls.append((name, n))
    )
    assert calls == [("app", 10_000), ("app", 20_000)]


def test_the_newest_part_of_a_large_log_is_compared_with_a_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tools.logs.columns.source.read_blocks", partial(read_blocks, max_bytes=4 << 20)
    )
    path = tmp_path / "big.log"
    lines = [f"{stamp(n // 100)} INFO served request {n} well" for n in range(200_000)]
    for n in range(0, 200_000, 100):
        lines[n] = f"{stamp(n // 100)} ERROR old trouble {n}"
    lines[199_990] = f"{stamp(1999)} ERROR new trouble"
    path.write_text("\n".join(lines))
    report = analyze_logs([LogSource("big", (path,))], now=NOW)
    new, old = report.findings[:2]
    assert (new.line, new.text, new.count, new.baseline_count, new.is_new) == (
        199_991, lines[199_990], 1, 0, True,
    )  # fmt: skip
    assert (old.template, old.is_new) == ("old trouble <n>", False)
    assert old.baseline_count is not None
    assert 0 < old.baseline_count < 600
    assert lines[old.line - 1] == old.text
    (source,) = report.sources
    assert source.notes == (
        "big.log: read the last 3.0 MiB of 9.8 MiB and a sample of 1 block before",
    )


def test_figures_of_a_sample_say_so(analyze: Analyze) -> None:
    lines = [
        json.dumps({"ts": stamp(n), "level": "error", "msg": "slow", "host": "a", "took_ms": n})
        for n in range(3000)
    ]
    report = analyze(lines)
    drift, slow = report.findings
    assert drift.note == (
        f"took_ms rose from 0 ({stamp(0)}Z) to 2999 ({stamp(2999)}Z); lowest 0, highest 2999; "
        "out of its usual 0 to 698 since 03:11:52Z; of 3,000 lines 512 were looked at"
    )
    assert slow.count == 3000
    assert slow.note.endswith("100% of 512 of them that were looked at with host a")


def test_an_analysis_can_be_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("x\n" * 25_000)

    def cancel(_: str, num_lines: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyze_logs([LogSource("app", (path,))], now=NOW, progress=cancel)


@pytest.mark.parametrize("period", [1, 2])
def test_a_log_of_little_but_trouble_is_not_taken_for_noise(analyze: Analyze, period: int) -> None:
    # Without levels, and all the time: but that is most of what there is.
    texts = ["cannot connect to the database", "tick"]
    lines = [f"{stamp(n)} {texts[n % period and n % 7 == 0]}" for n in range(400)]
    assert analyze(lines).findings[0].suspicion > 0.4


def test_a_short_log_says_nothing_about_rates(analyze: Analyze) -> None:
    texts = ["connection refused by the store", "trying another", "waiting", "tick"]
    assert analyze(f"{stamp(n)} {texts[n % 4]}" for n in range(24)).findings[0].suspicion > 0.5
