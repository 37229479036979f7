"""The first look at everything in scope: code only, no model.

The looks are independent and run side by side. Each is a tool call like any other, with its events
and its place in the answer's list of calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.agent.question import Question
from assistant.agent.toolbox import Toolbox, ToolReport
from assistant.agent.weighing import explaining, weight_among
from assistant.incidents import SUSPICIOUS, log_templates, services_of, suspicious
from knowledge.incidents.incident import Signature
from tools.captures import survey_captures
from tools.evidence import Evidence, distinct
from tools.host.survey import survey_host
from tools.logs.report import LogReport
from tools.logs.tool import analyze_scope, search_logs_tool, tail_logs_tool
from tools.metrics.backend import MetricBackend
from tools.metrics.tool import survey_metrics
from tools.probes.probe import run_checks
from tools.result import Status, ToolResult
from tools.scope import ProbePlan, Scope
from tools.services.tool import list_services_tool
from tools.window import baseline_before

_NOISE = 0.15
# From here on the first look has its answer: more findings, and a small model's own search, only
# distract from it.
CONCLUSIVE = 0.7
_CLOSE = 0.12
_MAX_EVIDENCE = 8
_MAX_CONCLUSIVE_EVIDENCE = 5
_MAX_LINES = 10
_MAX_RUNBOOKS = 1
_METRICS_S = 8.0
_MAX_RUNBOOK_QUERIES = 3
_RUNBOOK_QUERY_CHARS = 300


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What triage found: `evidence` most suspicious first, runbooks last; `overview` in words."""

    evidence: tuple[Evidence, ...]
    overview: tuple[str, ...]
    asked_for: tuple[Evidence, ...] = ()
    """Lines that the question wants to see or names the words of, whatever their suspicion."""
    asked_summary: str = ""
    """How many there are of those, and in what."""
    failures: tuple[str, ...] = ()
    """What could not be looked at, and why."""
    succeeded: tuple[str, ...] = ()
    """The names of the looks that worked."""
    seen_before: tuple[Evidence, ...] = ()
    """Past incidents that looked like this one."""
    log_report: LogReport | None = None
    """The analysis of the logs as a whole."""

    @property
    def strongest(self) -> float:
        """The highest suspicion of any fact."""
        return max((item.finding.suspicion for item in self.facts), default=0.0)

    @property
    def leads(self) -> tuple[Evidence, ...]:
        """The facts that a cause may rest on: none much weaker than the strongest.

        Where there is a clear lead, a small model that may choose among more prefers a symptom.
        """
        weigh = weight_among(self.facts)
        reasons = explaining(self.facts)
        top = max(map(weigh, reasons), default=0.0)
        is_clear = self.strongest >= CONCLUSIVE
        floor = top - _CLOSE if is_clear else min(SUSPICIOUS, self.strongest / 2)
        return tuple(item for item in reasons if weigh(item) >= floor)

    @property
    def facts(self) -> tuple[Evidence, ...]:
        """The evidence of what happened: everything but runbooks."""
        return tuple(item for item in self.evidence if item.is_fact)


async def first_look(question: Question, toolbox: Toolbox) -> FirstLook:
    """Examine logs, captures and services, then the runbooks that fit what was found."""
    log_reports: list[LogReport] = []
    reports = await asyncio.gather(*_looks(question, toolbox, log_reports))
    requested = [r for r in reports if r.call.name in ("search_logs", "tail_logs")]
    found = [item for report in reports if report not in requested for item in report.evidence]
    asked_for = tuple(item for report in requested for item in report.evidence)
    limit = None if question.intent == "diagnose" else _MAX_EVIDENCE
    facts = distinct([*asked_for, *_telling(found, limit)])
    runbooks, incidents = await asyncio.gather(
        _runbooks(question, facts, toolbox), _incidents(question, facts, toolbox)
    )
    looked = [report.result.summary for report in reports if report.result.summary]
    return FirstLook(
        evidence=(*facts, *runbooks.evidence),
        overview=(*toolbox.gathered, *looked),
        asked_for=asked_for,
        asked_summary=" ".join(report.result.summary for report in requested),
        failures=tuple(r.result.summary for r in reports if r.result.status is Status.ERROR),
        succeeded=tuple(r.call.name for r in reports if r.result.status is not Status.ERROR),
        seen_before=incidents.evidence if incidents else (),
        log_report=log_reports[0] if log_reports else None,
    )


def _looks(
    question: Question, toolbox: Toolbox, log_reports: list[LogReport]
) -> list[Coroutine[Any, Any, ToolReport]]:
    scope = toolbox.scope
    looks = []
    if scope.logs:
        looks.append(_analysis(question, toolbox, log_reports))
        looks += [_search(term, question, toolbox) for term in question.terms]
        if question.intent == "show" and not question.terms:
            looks.append(_tail(question, toolbox))
    if scope.captures:
        looks.append(_survey(question, toolbox))
    if scope.services:
        looks.append(
            toolbox.perform("list_services", {}, lambda: list_services_tool(scope.services), {})
        )
    if scope.metrics is not None:
        looks.append(_metrics(scope.metrics, question, toolbox))
    if scope.has_host:
        looks.append(_host(question, toolbox))
    if scope.probes is not None and scope.probes.checks:
        looks.append(_probes(scope.probes, toolbox))
    return looks


def _metrics(
    backend: MetricBackend, question: Question, toolbox: Toolbox
) -> Coroutine[Any, Any, ToolReport]:
    def survey() -> ToolResult:
        baseline = baseline_before(question.window, question.since)
        return survey_metrics(
            backend, question.window, baseline, question.text, _MAX_EVIDENCE, timeout_s=_METRICS_S
        )

    return toolbox.perform("survey_metrics", {"since": question.since}, survey)


def _host(question: Question, toolbox: Toolbox) -> Coroutine[Any, Any, ToolReport]:
    asked = question.intent != "diagnose"
    return toolbox.perform(
        "survey_host",
        {},
        lambda: survey_host(with_healthy=asked, checkpoint=toolbox.checkpoint),
        {"with_healthy": asked},
    )


def _probes(plan: ProbePlan, toolbox: Toolbox) -> Coroutine[Any, Any, ToolReport]:
    return toolbox.perform(
        "run_checks",
        {"checks": list(plan.checks)},
        lambda: run_checks(
            plan.checks,
            plan.allow,
            timeout_s=plan.timeout_s,
            ca_file=plan.ca_file,
            checkpoint=toolbox.checkpoint,
        ),
        # Of one process there is one plan.
        {"checks": list(plan.checks)},
    )


def _analysis(
    question: Question, toolbox: Toolbox, reports: list[LogReport]
) -> Coroutine[Any, Any, ToolReport]:
    def analyze() -> ToolResult:
        analysis = analyze_scope(toolbox.scope, window=question.window, progress=toolbox.checkpoint)
        reports.extend([analysis.report] if analysis.report else [])
        return analysis.result

    return toolbox.perform("analyze_logs", {"since": question.since}, analyze)


def _search(term: str, question: Question, toolbox: Toolbox) -> Coroutine[Any, Any, ToolReport]:
    limit = question.line_count or _MAX_LINES
    return toolbox.perform(
        "search_logs",
        {"pattern": term, "since": question.since},
        lambda: search_logs_tool(toolbox.scope, "", term, window=question.window, limit=limit),
    )


def _tail(question: Question, toolbox: Toolbox) -> Coroutine[Any, Any, ToolReport]:
    limit = question.line_count or _MAX_LINES
    return toolbox.perform(
        "tail_logs",
        {"since": question.since},
        lambda: tail_logs_tool(toolbox.scope, question.window, limit=limit),
    )


def _survey(question: Question, toolbox: Toolbox) -> Coroutine[Any, Any, ToolReport]:
    return toolbox.perform(
        "read_captures",
        {"query": question.text},
        lambda: _survey_result(toolbox.scope, question.text),
    )


def _survey_result(scope: Scope, query: str) -> ToolResult:
    findings = survey_captures(scope.captures.values(), query, _MAX_EVIDENCE, now=scope.now)
    summary = f"Captures read: {len(scope.captures)}; telling passages in them: {len(findings)}."
    return ToolResult(Status.OK if findings else Status.NO_DATA, summary, findings)


async def _runbooks(question: Question, facts: Sequence[Evidence], toolbox: Toolbox) -> ToolReport:
    """Runbooks for the symptom in the person's words, and for the strongest findings' own words."""
    leads = [item.finding.text[:_RUNBOOK_QUERY_CHARS] for item in facts[:_MAX_RUNBOOK_QUERIES]]
    return await toolbox.perform(
        "search_runbooks",
        {"query": question.text},
        lambda: _runbooks_result(question, leads, toolbox),
    )


async def _incidents(
    question: Question, facts: Sequence[Evidence], toolbox: Toolbox
) -> ToolReport | None:
    """Past incidents that looked like this one; None when none are asked for, or none known."""
    if question.intent != "diagnose" or not toolbox.has_incidents:
        return None
    leads = suspicious(facts)
    signature = Signature(log_templates(leads), services_of(leads), question.text)
    return await toolbox.perform(
        "recall_incidents",
        {"services": list(signature.services)},
        lambda: toolbox.recall_incidents(signature),
    )


def _runbooks_result(question: Question, leads: Sequence[str], toolbox: Toolbox) -> ToolResult:
    """By the first reading of the question that finds anything: "and why?" finds nothing alone."""
    *narrower, widest = question.readings
    query = next(filter(toolbox.has_runbook_for, narrower), widest)
    return toolbox.search_runbooks(query, *leads, k=_MAX_RUNBOOKS)


def _telling(evidence: Sequence[Evidence], limit: int | None) -> list[Evidence]:
    """The evidence worth reading, most suspicious first, without noise behind a lead.

    Without a `limit`, few findings come behind a clear lead.

    A log, a capture and a service manager see the same trouble from different sides, and one of
    them alone could fill the list with its side.
    """
    weigh = weight_among(evidence)
    ranked = sorted(evidence, key=lambda item: -weigh(item))
    strongest = max((item.finding.suspicion for item in ranked), default=0.0)
    floor = _NOISE if strongest >= SUSPICIOUS else 0.0
    if limit is None:
        limit = _MAX_CONCLUSIVE_EVIDENCE if strongest >= CONCLUSIVE else _MAX_EVIDENCE
    worth_reading = [item for item in ranked if item.finding.suspicion >= floor]
    return sorted(_mixed(worth_reading, limit), key=lambda item: -weigh(item))


def _mixed(ranked: Sequence[Evidence], limit: int) -> list[Evidence]:
    """The first `limit` of `ranked`, no kind above half of them while others have more.

    A text that stands in a stronger finding already (a log line that a capture repeats) is no
    finding of its own.
    """
    chosen: list[Evidence] = []
    passed_over: list[Evidence] = []
    for item in ranked:
        text = item.finding.text.strip()
        if any(text in other.finding.text for other in chosen):
            continue
        num_same = sum(item.finding.kind == other.finding.kind for other in chosen)
        (chosen if num_same < (limit + 1) // 2 else passed_over).append(item)
    return [*chosen[:limit], *passed_over[: max(0, limit - len(chosen))]]
