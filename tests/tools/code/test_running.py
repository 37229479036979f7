"""Checkers that hang, write without end, or are not there; and the bounds of a report."""

import json
import sys
from pathlib import Path

import pytest

from tools.code import running
from tools.code.linting import Linter, run_linters
from tools.code.report import MAX_PROBLEMS, CodeReport, Danger, in_order, own_problem
from tools.code.running import CheckerUnavailable, find_program, run_checker
from tools.code.wire import report_of, report_text


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_checker_gets_its_text_and_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDWATCH_SECRET", "s")
    monkeypatch.setenv("https_proxy", "http://p")
    code = "import os, sys; print(sys.stdin.read(), sorted(os.environ), os.listdir())"
    run = run_checker(python(code), "text")
    assert run.output.startswith("text [")
    assert "MIDWATCH_SECRET" not in run.output
    assert "proxy" not in run.output
    assert run.output.rstrip().endswith("[]")
    assert run.status == 0


def test_a_checker_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    child = f"import time; time.sleep(3); open({str(mark)!r}, 'w')"
    code = (
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', "
        f"{child!r}]); time.sleep(60)"
    )
    with pytest.raises(CheckerUnavailable, match="took longer"):
        run_checker(python(code), limit_s=1.0, leads_group=True)
    with pytest.raises(CheckerUnavailable):
        run_checker(python("import time; time.sleep(60)"), limit_s=4.0)
    assert not mark.exists()


def test_output_is_read_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "OUTPUT_LIMIT_BYTES", 10)
    assert run_checker(python("print('x' * 1000)")).output == "x" * 10


def test_a_checker_that_is_not_there_is_told_and_the_others_run() -> None:
    def missing(code: str) -> list[object]:
        find_program("no-such-checker-at-all")
        return []

    there = Linter("there", lambda: "1.0", lambda code: [own_problem(1, "info", "x", code)])
    absent = Linter("absent", lambda: "1.0", missing)  # type: ignore[arg-type]
    linted = run_linters("code", (absent, there))
    assert linted.not_checked == ("absent: no-such-checker-at-all is not installed",)
    assert linted.checked_by == ("there 1.0",)
    assert [problem.message for problem in linted.problems] == ["code"]


def test_a_report_is_bounded_sorted_and_free_of_repeats() -> None:
    problems = tuple(own_problem(line, "info", "x", "m") for line in range(500, 0, -1))
    dangers = (Danger(1, "a b", "w", ""), Danger(1, "a", "w", ""), Danger(1, "a", "v", ""))
    report = in_order(CodeReport("bash", problems * 2, dangers, ("t", "t", "s")))
    assert [problem.line for problem in report.problems] == list(range(1, MAX_PROBLEMS + 1))
    assert [(danger.text, danger.what) for danger in report.dangers] == [("a", "v"), ("a", "w")]
    assert report.touches == ("t", "s")


def test_a_report_survives_the_way_between_processes() -> None:
    report = CodeReport(
        "sql",
        (own_problem(None, "error", "x", "ü\ud800"),),
        (Danger(2, "t", "w", "a"),),
        ("t",),
        "BEGIN;",
        ("a 1",),
        ("b",),
    )
    assert report_of(json.loads(report_text(report))) == report


def test_only_errors_mean_that_code_does_not_work() -> None:
    warning = own_problem(1, "warning", "x", "m")
    assert not CodeReport("bash", (warning,)).has_errors
    assert CodeReport("bash", (warning, own_problem(1, "error", "x", "m"))).has_errors
