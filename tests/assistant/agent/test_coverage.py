from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from assistant.agent.coverage import subjects_of, uncovered, unmentioned
from tests.assistant.agent.scene import bundle
from tools.logs.analysis import analyze_logs
from tools.window import Window


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ("How far behind is the replica on db-2?", ("db-2",)),
        ("Is web-1 healthy?", ("web-1",)),
        ("What is wrong with pod api-7f9c.prod in namespace app_1?", ("api-7f9c.prod", "app_1")),
        ("What is wrong on the host?", ()),
        ("What happened on 2026-03-01?", ()),
        ("Why is checkout slow on Monday?", ()),
        ("What did service payments do?", ()),
        ("", ()),
    ],
)
def test_things_are_named_by_names_of_their_own(text: str, subjects: tuple[str, ...]) -> None:
    assert subjects_of(text) == subjects


def test_what_neither_a_name_nor_a_line_has_is_not_mentioned(tmp_path: Path) -> None:
    scope = bundle(
        tmp_path / "b", {"web-1": "INFO connected to DB-2\n"}, {"df-node9.txt": "host cache-3\n"}
    )
    asked = ["web-1", "db-2", "node9", "cache-3", "db-4"]
    assert unmentioned(asked, scope, lambda *_: None) == ("db-4",)


def test_a_time_without_any_line_is_said_with_what_there_is(tmp_path: Path) -> None:
    scope = bundle(
        tmp_path / "b", {"a": "2026-03-01T12:00:00Z INFO up\n2026-03-01T12:05:00Z INFO on\n"}
    )
    logs = list(scope.logs.values())

    def said(window: Window) -> str:
        return uncovered(window, analyze_logs(logs, now=scope.now, window=window))

    before = Window(datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC))
    assert said(before) == (
        "the logs have no line from 2026-02-01 00:00:00Z to 2026-02-02 00:00:00Z; "
        "they cover 2026-03-01 12:00:00Z to 12:05:00Z"
    )
    assert said(Window(datetime(2026, 3, 1, 12, 1, tzinfo=UTC))) == ""


def test_logs_without_times_cover_everything(tmp_path: Path) -> None:
    scope = bundle(tmp_path / "b", {"a": "no time here\n"})
    window = Window(datetime(2026, 2, 1, tzinfo=UTC))
    report = analyze_logs(list(scope.logs.values()), now=scope.now, window=window)
    assert uncovered(window, report) == ""
