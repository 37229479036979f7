from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.logs.tool import analyze_logs_tool, search_logs_tool
from tools.result import Status
from tools.scope import LogSource, Scope

NOW = datetime(2025, 1, 2, 4, tzinfo=UTC)


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    logs = {}
    for name in ("checkout", "payments"):
        path = tmp_path / f"{name}.log"
        path.write_text(
            "2025-01-02 02:00:00 INFO ok\n"
            f"2025-01-02 03:59:00 ERROR {name} pool exhausted\n"
            "2025-01-02 04:00:00 INFO ok\n"
        )
        logs[name] = LogSource(name, (path,))
    return Scope("files", NOW, logs)


def test_analyze_one_source(scope: Scope) -> None:
    result = analyze_logs_tool(scope, "checkout")
    assert result.status is Status.OK
    assert result.findings[0].text == "2025-01-02 03:59:00 ERROR checkout pool exhausted"
    assert result.summary.startswith("Analysed checkout, its whole length: 3 lines.")


def test_analyze_all_sources_since(scope: Scope) -> None:
    result = analyze_logs_tool(scope, since="30m")
    assert "Analysed checkout, payments, since 2025-01-02 03:30:00Z" in result.summary
    # The line of this very moment is within "the last 30 minutes".
    assert any("04:00:00" in finding.text for finding in result.findings)
    assert not any("02:00:00" in finding.text for finding in result.findings)


def test_an_unknown_source_names_the_known_ones(scope: Scope) -> None:
    result = analyze_logs_tool(scope, "chekout")
    assert result.status is Status.ERROR
    assert "did you mean checkout?" in result.summary
    assert "there are: checkout, payments" in result.summary


def test_no_logs_at_all() -> None:
    result = analyze_logs_tool(Scope("live", NOW))
    assert (result.status, result.findings) == (Status.ERROR, ())


@pytest.mark.parametrize("since", ["soon", "-5m"])
def test_a_bad_duration_is_an_error_result(scope: Scope, since: str) -> None:
    assert analyze_logs_tool(scope, since=since).status is Status.ERROR
    assert search_logs_tool(scope, "checkout", "x", since).status is Status.ERROR


def test_an_empty_range_is_no_data(scope: Scope) -> None:
    moved = Scope("files", datetime(2025, 2, 1, tzinfo=UTC), scope.logs)
    result = analyze_logs_tool(moved, "checkout", since="1h")
    assert result.status is Status.NO_DATA
    assert "no lines in this time range" in result.summary


def test_search_counts_exactly_and_shows_some(scope: Scope) -> None:
    result = search_logs_tool(scope, "", "INFO", limit=3)
    assert (result.status, len(result.findings), result.omitted) == (Status.OK, 3, 1)
    assert "4 matching lines" in result.summary


def test_search_shows_the_newest_over_all_sources(scope: Scope) -> None:
    found = search_logs_tool(scope, "", "INFO", limit=2).findings
    assert {finding.source for finding in found} == {"checkout", "payments"}
    assert all("04:00:00" in finding.text for finding in found)


def test_search_finds_nothing_and_says_where(scope: Scope) -> None:
    result = search_logs_tool(scope, "payments", "segfault")
    assert result.status is Status.NO_DATA
    assert result.summary == (
        "Searched payments for 'segfault' (case-insensitive), its whole length: "
        "no match in 3 lines."
    )


def test_search_with_context_is_verbatim(scope: Scope) -> None:
    (finding,) = search_logs_tool(scope, "payments", "pool", context=1).findings
    path = scope.logs["payments"].paths[0]
    assert finding.text in path.read_text()
    assert (finding.line, finding.text.count("\n")) == (2, 2)


def test_a_bad_pattern_is_an_error_result(scope: Scope) -> None:
    result = search_logs_tool(scope, "payments", "(")
    assert result.status is Status.ERROR
    assert "escape" in result.summary
