"""What the tools take: names and arguments, as a model is told of them and as they are checked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tools.logs.lookup.query import Operation
from tools.scope import Scope

_MAX_NAMES = 40


class Arguments(BaseModel):
    """What a tool takes. A field's documentation is what the model reads."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class SearchLogs(Arguments):
    """Find lines in one log by a word or a regular expression."""

    source: str = Field(max_length=120)
    """Name of the log"""
    pattern: str = Field(max_length=120)
    """What to look for"""


class ReadCapture(Arguments):
    """Read one captured command output."""

    name: str = Field(max_length=160)
    """Name of the capture"""
    query: str = Field(default="", max_length=80)
    """Words to look for in it"""


class SearchRunbooks(Arguments):
    """Find runbook passages that answer a question."""

    query: str = Field(max_length=160)
    """Symptom or question"""


class ListServices(Arguments):
    """List all services and their states."""


class CountLogs(Arguments):
    """Count log lines exactly: how many, which values most often, the highest or lowest number."""

    operation: Operation
    """What to compute"""
    words: str = Field(default="", max_length=160)
    """Words that every line meant has, with spaces between"""
    field: str = Field(default="", max_length=60)
    """What top, distinct, values, max or min are about, such as: address, user, hour, duration"""
    source: str = Field(default="", max_length=120)
    """Name of the log; empty for all"""
    since: str = Field(default="", max_length=12)
    """How far back, as a number with s, m, h or d; empty for all of it"""


class SurveyMetrics(Arguments):
    """Look at all metrics: firing alerts, targets that are down, series that changed."""

    query: str = Field(default="", max_length=120)
    """Words whose metrics matter most"""
    since: str = Field(default="", max_length=12)
    """How far back, as a number with s, m, h or d"""


class QueryMetrics(Arguments):
    """Ask one PromQL expression or metric name; series come summarised."""

    query: str = Field(max_length=500)
    """PromQL, or the name of a metric"""
    since: str = Field(default="", max_length=12)
    """How far back, as a number with s, m, h or d"""


class FindMetrics(Arguments):
    """Find the names of metrics by words."""

    words: str = Field(max_length=120)
    """Words of the name or the description"""


class LookAtHost(Arguments):
    """Look at this machine: memory, load, disks, processes, network, kernel log."""


class LookAtProcess(Arguments):
    """Look at one process of this machine: memory, open files, threads, age."""

    name: str = Field(max_length=120)
    """Its name or process id"""


class Probe(Arguments):
    """Ask a server whether it answers: HTTP, TCP, DNS or its TLS certificate. Allowed ones only."""

    target: str = Field(max_length=300)
    """A URL, or host:port"""


class AnalyzeLogs(Arguments):
    """Analyze one log: levels, counts, new and growing messages."""

    source: str = Field(max_length=120)
    """Name of the log"""
    since: str = Field(default="", max_length=12)
    """How far back, as a number with s, m, h or d; empty for all of it"""


class ActOnService(Arguments):
    """What every action on a service takes."""

    service: str = Field(max_length=300)
    """Full name of the service, as list_services gives it"""
    reason: str = Field(max_length=400)
    """Why, in a sentence, with the ids of the findings that show it"""


class RestartService(ActOnService):
    """Ask a person to agree to restarting a service. Nothing is done before."""


class StartService(ActOnService):
    """Ask a person to agree to starting a service that is down. Nothing is done before."""


class StopService(ActOnService):
    """Ask a person to agree to stopping a service. Nothing is done before."""


class ScaleService(ActOnService):
    """Ask a person to agree to another number of replicas. Nothing is done before."""

    replicas: int = Field(ge=1, le=1000)
    """How many there are to be"""


class DeleteService(ActOnService):
    """Ask a person to agree to deleting a pod, which is made anew. Nothing is done before."""


ACTIONS: dict[str, type[ActOnService]] = {
    "restart_service": RestartService,
    "start_service": StartService,
    "stop_service": StopService,
    "scale_service": ScaleService,
    "delete_service": DeleteService,
}
"""What changes something: a call of these becomes a proposal, whoever makes it."""
ARGUMENTS: dict[str, type[Arguments]] = {
    "search_logs": SearchLogs,
    "read_capture": ReadCapture,
    "search_runbooks": SearchRunbooks,
    "list_services": ListServices,
    "analyze_logs": AnalyzeLogs,
    "count_logs": CountLogs,
    "survey_metrics": SurveyMetrics,
    "query_metrics": QueryMetrics,
    "find_metrics": FindMetrics,
    "look_at_host": LookAtHost,
    "look_at_process": LookAtProcess,
    "probe": Probe,
    **ACTIONS,
}


TOOL_NAMES = tuple(ARGUMENTS)


def tools_for(scope: Scope, verbs: Collection[str] = ()) -> tuple[str, ...]:
    """The names of the tools that have something to look at in `scope`, or to act on by `verbs`."""
    has = {
        "search_logs": bool(scope.logs),
        "analyze_logs": bool(scope.logs),
        "count_logs": bool(scope.logs),
        "read_capture": bool(scope.captures),
        "list_services": bool(scope.services),
        "survey_metrics": scope.metrics is not None,
        "query_metrics": scope.metrics is not None,
        "find_metrics": scope.metrics is not None,
        "look_at_host": scope.has_host,
        "look_at_process": scope.has_host,
        "probe": scope.probes is not None,
        **{name: name.removesuffix("_service") in verbs for name in ACTIONS},
    }
    return tuple(name for name in TOOL_NAMES if has.get(name, True))


def argument_schema(name: str) -> type[BaseModel]:
    """The pydantic model of a tool's arguments."""
    return ARGUMENTS[name]


def narrowed(definitions: Sequence[dict[str, Any]], scope: Scope) -> list[dict[str, Any]]:
    """`definitions` for a choice within `scope`: only what there is can be named.

    For grammars, not for prompts: the prompt's tools are always the same.
    """
    names = {"search_logs": ("source", scope.logs), "read_capture": ("name", scope.captures)}
    kept = []
    for tool in definitions:
        argument, known = names.get(tool["function"]["name"], ("", {"": None}))
        if known:
            kept.append(_with_enum(tool, argument, list(known)[:_MAX_NAMES]) if argument else tool)
    return kept


def _with_enum(tool: dict[str, Any], argument: str, values: Sequence[str]) -> dict[str, Any]:
    function = tool["function"]
    properties = {**function["parameters"]["properties"], argument: {"enum": list(values)}}
    parameters = {**function["parameters"], "properties": properties}
    return {**tool, "function": {**function, "parameters": parameters}}


def definition(name: str) -> dict[str, Any]:
    """The tool in OpenAI's form, short: every word of it is in every prompt."""
    arguments = ARGUMENTS[name]
    schema = arguments.model_json_schema()
    properties = {
        key: {"type": value["type"]} for key, value in schema.get("properties", {}).items()
    }
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": (arguments.__doc__ or "").strip(),
            "parameters": {
                "type": "object",
                "properties": properties,
                "required": schema.get("required", []),
            },
        },
    }
