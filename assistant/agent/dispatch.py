"""From a checked call to the tool behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.agent.arguments import (
    AnalyzeLogs,
    Arguments,
    CountLogs,
    FindMetrics,
    ListServices,
    LookAtHost,
    LookAtProcess,
    Probe,
    QueryMetrics,
    ReadCapture,
    SearchLogs,
    SearchRunbooks,
    SurveyMetrics,
)
from tools.captures import read_capture
from tools.errors import ToolsError
from tools.logs.lookup.query import LogQuery
from tools.logs.lookup.tool import look_up_logs
from tools.logs.tool import analyze_logs_tool, search_logs_tool, unknown_name
from tools.result import ToolResult
from tools.services.tool import list_services_tool
from tools.window import baseline_before, window_since

if TYPE_CHECKING:
    from assistant.agent.toolbox import Toolbox
    from tools.metrics.backend import MetricBackend
    from tools.scope import ProbePlan, Scope


def dispatch(arguments: Arguments, toolbox: Toolbox) -> ToolResult:
    """Run the tool that `arguments` are of. Raises ToolsError for what is not there."""
    scope = toolbox.scope
    match arguments:
        case SearchLogs():
            return search_logs_tool(scope, arguments.source, arguments.pattern)
        case ReadCapture():
            capture = scope.captures.get(arguments.name)
            if capture is None:
                raise unknown_name("capture", arguments.name, list(scope.captures))
            return read_capture(capture, arguments.query, now=scope.now)
        case SearchRunbooks():
            return toolbox.search_runbooks(arguments.query)
        case ListServices():
            return list_services_tool(scope.services)
        case AnalyzeLogs():
            return analyze_logs_tool(
                scope, arguments.source, arguments.since, progress=toolbox.checkpoint
            )
        case CountLogs():
            return _count(arguments, toolbox)
        case SurveyMetrics() | QueryMetrics() | FindMetrics():
            return _metrics(arguments, scope)
        case LookAtHost() | LookAtProcess():
            return _host(arguments, toolbox)
        case Probe():
            return _probe(arguments.target, _plan(scope), toolbox)
    raise AssertionError(f"no tool for {arguments!r}")


def _count(arguments: CountLogs, toolbox: Toolbox) -> ToolResult:
    scope = toolbox.scope
    if arguments.source and arguments.source not in scope.logs:
        raise unknown_name("log", arguments.source, list(scope.logs))
    query = LogQuery(
        arguments.operation, words=tuple(arguments.words.split()), field=arguments.field, limit=5
    )
    names = [arguments.source] if arguments.source else []
    window = window_since(scope.now, arguments.since)
    return look_up_logs(scope, query, names, window, checkpoint=toolbox.checkpoint).result


def _metrics(arguments: SurveyMetrics | QueryMetrics | FindMetrics, scope: Scope) -> ToolResult:
    from tools.metrics.tool import query_metrics, search_metric_names, survey_metrics

    backend = _backend(scope)
    if isinstance(arguments, FindMetrics):
        return search_metric_names(backend, arguments.words)
    window = window_since(scope.now, arguments.since)
    baseline = baseline_before(window, arguments.since)
    if isinstance(arguments, QueryMetrics):
        return query_metrics(backend, arguments.query, window, baseline)
    return survey_metrics(backend, window, baseline, arguments.query)


def _host(arguments: LookAtHost | LookAtProcess, toolbox: Toolbox) -> ToolResult:
    from tools.host.process import look_at_process
    from tools.host.survey import survey_host

    if not toolbox.scope.has_host:
        raise ToolsError(
            "this machine is not to be looked at",
            "a bundle comes from elsewhere; for live questions set [host] look = true",
        )
    if isinstance(arguments, LookAtProcess):
        return look_at_process(arguments.name, checkpoint=toolbox.checkpoint)
    return survey_host(with_healthy=True, checkpoint=toolbox.checkpoint)


def _probe(target: str, plan: ProbePlan, toolbox: Toolbox) -> ToolResult:
    from tools.probes.probe import probe

    return probe(
        target,
        plan.allow,
        timeout_s=plan.timeout_s,
        ca_file=plan.ca_file,
        checkpoint=toolbox.checkpoint,
    )


def _backend(scope: Scope) -> MetricBackend:
    if scope.metrics is None:
        raise ToolsError("there are no metrics here", "set [metrics] prometheus")
    return scope.metrics


def _plan(scope: Scope) -> ProbePlan:
    if scope.probes is None:
        raise ToolsError("probes are off", "name the targets that may be asked in [probes] allow")
    return scope.probes
