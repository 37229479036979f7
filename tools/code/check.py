"""The one entrance to the checks of code: a language and a text in, a report out.

The work is done in a process of its own with a limit on time, memory and files, because a parser
that is fed thousands of brackets may end the process that it runs in.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tools.code.detection import detect_language
from tools.code.report import CodeReport, Language, own_problem
from tools.code.running import CheckerUnavailable, run_checker
from tools.code.wire import CheckRequest, report_of, request_text

__all__ = ["check_code", "detect_language"]

TIME_LIMIT_S = 20.0
MAX_CODE_CHARS = 100_000


def check_code(
    language: Language,
    code: str,
    *,
    dialect: str = "postgres",
    kubernetes_version: str = "",
    limit_s: float = TIME_LIMIT_S,
) -> CodeReport:
    """What the language's tools say about `code`, which is never run.

    `dialect` is that of SQL, `kubernetes_version` ("1.31") that of manifests, by default the newest
    that is known. Never raises for what the code holds: a check that cannot be done is named in
    `not_checked`.
    """
    if not code.strip():
        return _only_problem(language, "empty", "there is no code")
    if len(code) > MAX_CODE_CHARS:
        message = f"{len(code)} characters; code of up to {MAX_CODE_CHARS} is checked"
        return _only_problem(language, "too-long", message)
    request = CheckRequest(language, code, dialect, kubernetes_version)
    try:
        return _checked(request, limit_s)
    except CheckerUnavailable as error:
        return CodeReport(language, not_checked=(f"every check: {error}",))


def _only_problem(language: Language, code: str, message: str) -> CodeReport:
    return CodeReport(language, (own_problem(None, "error", code, message),))


def _checked(request: CheckRequest, limit_s: float) -> CodeReport:
    """The report of a process that only checks; raises CheckerUnavailable when it ends early."""
    run = run_checker(
        [sys.executable, "-m", "tools.code.confined"],
        request_text(request),
        limit_s=limit_s,
        environment={"PYTHONPATH": str(Path(__file__).parents[2])},
        leads_group=True,
    )
    try:
        return report_of(json.loads(run.output))
    except (ValueError, KeyError, TypeError) as error:
        raise CheckerUnavailable(f"the check ended with status {run.status}") from error
