"""`midwatch host`: the machine that midwatch runs on. No model is involved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.context import EXIT_FAILED
from assistant.cli.output import print_json, stdout_console, visible, working

if TYPE_CHECKING:
    from tools.evidence import Finding
    from tools.result import ToolResult

_SERIOUS = 0.7


def host(
    process: Annotated[
        str,
        typer.Option(help="Look at this program, script or pid instead.", show_default=False),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Look at this machine: memory, load, disks, processes, network, clock and kernel log.

    With --process: what that program uses; exits with 1 when it does not run.
    """
    with working("looking at this machine"):
        result = _look(process)
    if as_json:
        print_json(_json_object(result))
    else:
        _print(result)
    if process and not result.findings:
        raise typer.Exit(EXIT_FAILED)


def _look(process: str) -> ToolResult:
    if process:
        from tools.host.process import look_at_process

        return look_at_process(process)
    from tools.host.survey import survey_host

    return survey_host(with_healthy=True)


def _json_object(result: ToolResult) -> dict[str, object]:
    figures = [
        {
            "topic": finding.source.removeprefix("host: "),
            "text": finding.text,
            "note": finding.note,
            "suspicion": finding.suspicion,
        }
        for finding in result.findings
    ]
    return {"summary": result.summary, "figures": figures, "omitted": result.omitted}


def _print(result: ToolResult) -> None:
    # What is healthy is listed below, each figure by itself.
    head = [line for line in result.summary.splitlines() if not line.startswith("Healthy")]
    print(visible("\n".join(head)))
    for finding in result.findings:
        _print_figure(finding)
    if result.omitted:
        print(f"… and {result.omitted} more")


def _print_figure(finding: Finding) -> None:
    from rich.text import Text

    mark, style = _mark(finding.suspicion)
    line = Text.assemble((mark, style), f" {visible(finding.text)}")
    stdout_console().print(line, soft_wrap=True)
    if finding.note:
        stdout_console().print(Text(f"   {visible(finding.note)}"), soft_wrap=True)


def _mark(suspicion: float) -> tuple[str, str]:
    """The mark of `midwatch doctor` and its colour."""
    if suspicion >= _SERIOUS:
        return "XX", "red"
    return ("!!", "yellow") if suspicion > 0 else ("ok", "green")
