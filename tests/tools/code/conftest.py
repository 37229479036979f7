"""Checks of a snippet in this process, and what a report says in a word that a table can hold."""

from collections.abc import Callable

import pytest

from tools.code.languages import check_in_process
from tools.code.report import CodeReport, Language
from tools.code.wire import CheckRequest

Check = Callable[[Language, str], CodeReport]


@pytest.fixture
def check() -> Check:
    def run(language: Language, code: str) -> CodeReport:
        report = check_in_process(CheckRequest(language, code, "postgres", ""))
        last = code.count("\n") + 1
        assert all(danger.text and danger.text in code for danger in report.dangers)
        assert all(one.line is None or 1 <= one.line <= last for one in report.dangers)
        assert all(one.line is None or 1 <= one.line <= last for one in report.problems)
        return report

    return run


@pytest.fixture
def points_out() -> Callable[[CodeReport, str], bool]:
    """Whether a report has a problem of that code, or a danger that has those words."""

    def look(report: CodeReport, expected: str) -> bool:
        codes = {problem.code for problem in report.problems}
        return expected in codes or any(expected in danger.what for danger in report.dangers)

    return look
