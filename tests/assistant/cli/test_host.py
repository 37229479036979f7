import json
import os
from collections.abc import Callable

import pytest

from tests.assistant.cli.program import Ran
from tools.evidence import Finding
from tools.result import Status, ToolResult

Midwatch = Callable[..., Ran]

FULL = Finding("capture", "host: disk", "disk /var: 9 of 9 GiB used", None, "it is full", 0.9)
WEAK = Finding("capture", "host: clock", "clock: off", None, "no time daemon \x1b[2J runs", 0.2)
WELL = Finding("capture", "host: memory", "memory: 3 of 16 GiB used")
SUMMARY = (
    "This machine was looked at; 2 figures are wrong.\n"
    "Healthy: memory: 3 of 16 GiB used.\n"
    "Healthy as well: connections.\n"
    "Not visible here: kernel log."
)


@pytest.fixture
def _ill(monkeypatch: pytest.MonkeyPatch) -> None:
    result = ToolResult(Status.OK, SUMMARY, (FULL, WEAK, WELL), omitted=3)
    monkeypatch.setattr("tools.host.survey.survey_host", lambda **_: result)


@pytest.mark.usefixtures("_ill")
def test_trouble_has_marks_and_reasons_and_each_figure_stands_once(midwatch: Midwatch) -> None:
    assert midwatch("host") == Ran(
        0,
        "This machine was looked at; 2 figures are wrong.\n"
        "Not visible here: kernel log.\n"
        "XX disk /var: 9 of 9 GiB used\n"
        "   it is full\n"
        "!! clock: off\n"
        "   no time daemon \\x1b[2J runs\n"
        "ok memory: 3 of 16 GiB used\n"
        "… and 3 more\n",
        "",
    )


@pytest.mark.usefixtures("_ill")
def test_json_is_the_contract(midwatch: Midwatch) -> None:
    found = json.loads(midwatch("host", "--json").out)
    assert (found["summary"], found["omitted"]) == (SUMMARY, 3)
    assert found["figures"][0] == {
        "topic": "disk",
        "text": "disk /var: 9 of 9 GiB used",
        "note": "it is full",
        "suspicion": 0.9,
    }
    assert [figure["topic"] for figure in found["figures"]] == ["disk", "clock", "memory"]


def test_a_machine_without_any_figures_is_no_failure(
    midwatch: Midwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = ToolResult(Status.NO_DATA, "This machine was looked at; nothing is wrong.")
    monkeypatch.setattr("tools.host.survey.survey_host", lambda **_: nothing)
    assert midwatch("host") == Ran(0, f"{nothing.summary}\n", "")


def test_this_very_machine(midwatch: Midwatch) -> None:
    ran = midwatch("host")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("This machine was looked at; ")
    assert "Healthy" not in ran.out
    assert " memory: " in ran.out
    assert " load: " in ran.out


def test_one_process(midwatch: Midwatch) -> None:
    pid = os.getpid()
    ran = midwatch("host", "--process", str(pid))
    assert (ran.status, ran.err) == (0, "")
    assert f"(pid {pid})" in ran.out
    found = json.loads(midwatch("host", "--process", str(pid), "--json").out)
    assert found["figures"][0]["topic"].startswith("process ")


def test_a_process_that_does_not_run(midwatch: Midwatch) -> None:
    ran = midwatch("host", "--process", "no-such-program")
    assert ran == Ran(1, "No process no-such-program runs on this machine.\n", "")
    as_json = midwatch("host", "--process", "no-such-program", "--json")
    assert (as_json.status, json.loads(as_json.out)["figures"]) == (1, [])
