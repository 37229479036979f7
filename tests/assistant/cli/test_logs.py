import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.assistant.cli.program import Ran

Midwatch = Callable[..., Ran]


def test_what_stands_out_is_listed(midwatch: Midwatch, payments_log: Path) -> None:
    ran = midwatch("logs", payments_log)
    assert (ran.status, ran.err) == (0, "")
    first, _, head, sample, *_ = ran.out.splitlines()
    assert first.startswith(f"{payments_log}: 400 lines, 2026-03-01 02:00:00 to ")
    assert "40 ERROR, 360 INFO" in first
    assert f"x40  {payments_log}:361" in head
    assert sample == "  2026-03-01T02:06:00Z ERROR payments cannot write ledger.db: " + (
        "No space left on device"
    )


def test_json_is_the_contract(midwatch: Midwatch, payments_log: Path) -> None:
    ran = midwatch("logs", "--json", payments_log)
    report = json.loads(ran.out)
    assert (ran.status, ran.err) == (0, "")
    assert report.keys() == {"sources", "findings", "templates", "timeline", "duration_s"}
    [source] = report["sources"]
    assert source.keys() >= {"name", "lines", "first", "last", "levels", "bytes"}
    assert (source["lines"], source["levels"]) == (400, {"ERROR": 40, "INFO": 360})
    assert source["first"] == "2026-03-01T02:00:00+00:00"
    assert source["bytes"] == payments_log.stat().st_size
    finding = report["findings"][0]
    wanted = {"id", "source", "template", "count", "baseline_count", "first", "last", "level"}
    assert finding.keys() >= {*wanted, "is_new", "sample", "line"}
    assert (finding["count"], finding["line"]) == (40, 361)
    assert report["templates"] == 2


def test_a_window_and_what_came_before(midwatch: Midwatch, payments_log: Path) -> None:
    ran = midwatch("logs", "--json", payments_log, "--since", "1m", "--baseline", "5m")
    finding = json.loads(ran.out)["findings"][0]
    assert finding["baseline_count"] == 0
    assert finding["is_new"] is True


def test_a_baseline_needs_a_window(midwatch: Midwatch, payments_log: Path) -> None:
    ran = midwatch("logs", payments_log, "--baseline", "2h")
    assert ran.status == 2
    assert "--since" in ran.said


def test_a_duration_that_is_none_is_refused(midwatch: Midwatch, payments_log: Path) -> None:
    ran = midwatch("logs", payments_log, "--since", "yesterday")
    assert (ran.status, ran.out) == (1, "")
    assert "'yesterday'" in ran.said
    assert "30m" in ran.said


def test_a_source_of_the_settings(
    midwatch: Midwatch, payments_log: Path, settings_file: Callable[[str], Path]
) -> None:
    settings_file(f'[logs.sources]\npay = "{payments_log.parent}/pay*.log"\n')
    ran = midwatch("logs", "pay")
    assert ran.status == 0
    assert ran.out.startswith("pay: 400 lines")
    unknown = midwatch("logs", "peyments")
    assert unknown.status == 1
    assert "peyments is neither a file nor a log source" in unknown.said
    assert "pay" in unknown.said.splitlines()[1]


def test_few_findings_unless_more_are_wanted(midwatch: Midwatch, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    messages = ("disk lost", "clock runs backwards by 3 s", "no route to any host of the cluster")
    path.write_text("".join(f"2026-03-01T02:00:00Z ERROR {text}\n" for text in messages))
    few = midwatch("logs", path, "-n", "2").out
    assert sum(text in few for text in messages) == 2
    assert "… and 1 more:" in few
    assert all(text in midwatch("logs", path).out for text in messages)


def test_a_quiet_log_says_so(midwatch: Midwatch, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.touch()
    ran = midwatch("logs", path)
    assert ran.status == 0
    assert "0 lines" in ran.out
    assert "Nothing stands out." in ran.out


@pytest.mark.parametrize("evil", ["\x1b]0;title\x07", "\x1b[2J", "\x9b2J", "\r\x1b[A"])
def test_a_log_does_not_steer_the_terminal(evil: str, midwatch: Midwatch, tmp_path: Path) -> None:
    path = tmp_path / f"app{evil}.log"
    path.write_text(f"2026-03-01T02:00:00Z ERROR {evil} the disk is gone\n", encoding="utf-8")
    ran = midwatch("logs", path)
    assert "the disk is gone" in ran.out
    assert not {"\x1b", "\x07", "\x9b", "\r"} & set(ran.out + ran.err)


def test_a_name_that_is_no_text(midwatch: Midwatch, tmp_path: Path) -> None:
    path = tmp_path / "app\udcff\udcfe.log"
    path.write_text("2026-03-01T02:00:00Z ERROR the disk is gone\n")
    assert "the disk is gone" in midwatch("logs", path).out
    assert json.loads(midwatch("logs", "--json", path).out)["findings"][0]["count"] == 1
