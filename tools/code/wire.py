"""A request for a check and its report as JSON, between us and the process that checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tools.code.report import CodeReport, Danger, Language, Problem


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What to check and as what; see `check_code` for the fields."""

    language: Language
    code: str
    dialect: str
    kubernetes_version: str


def request_text(request: CheckRequest) -> str:
    """The request as one line of ASCII."""
    return json.dumps(asdict(request))


def request_of(text: str) -> CheckRequest:
    """The request that `request_text` wrote."""
    return CheckRequest(**json.loads(text))


def report_text(report: CodeReport) -> str:
    """The report as one line of ASCII."""
    return json.dumps(asdict(report))


def report_of(data: Mapping[str, Any]) -> CodeReport:
    """The report that `report_text` wrote; raises KeyError or TypeError for anything else."""
    return CodeReport(
        data["language"],
        tuple(Problem(**problem) for problem in data["problems"]),
        tuple(Danger(**danger) for danger in data["dangers"]),
        tuple(data["touches"]),
        data["dry_run"],
        tuple(data["checked_by"]),
        tuple(data["not_checked"]),
    )
