"""`midwatch services`: what the service manager says."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.context import EXIT_FAILED, context_of
from assistant.cli.output import note, print_json, stdout_console, visible

if TYPE_CHECKING:
    from tools.scope import ServiceState

app = typer.Typer(help="See the services and their states.", no_args_is_help=True)


@app.command("list")
def list_services(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List all services and their states."""
    states = _states(context)
    if as_json:
        print_json({"services": [asdict(state) for state in states]})
        return
    from rich.table import Table
    from rich.text import Text

    table = Table("service", "state", "", box=None, pad_edge=False)
    for state in states:
        word = Text(visible(state.state), style="green" if state.is_healthy else "red")
        table.add_row(Text(visible(state.name)), word, Text(visible(state.description)))
    stdout_console().print(table)


@app.command("status")
def status(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The service's name.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show one service. Exits with 1 when it is not healthy."""
    states = {state.name: state for state in _states(context)}
    if name not in states:
        from tools.errors import SourceNotFound

        raise SourceNotFound(f"there is no service {name}", "there are: " + ", ".join(states))
    state = states[name]
    if as_json:
        print_json(asdict(state))
    else:
        print(visible(f"{state.name} {state.state}: {state.description}"))
        for path in state.log_paths:
            print(visible(f"  log {path}"))
    if not state.is_healthy:
        raise typer.Exit(EXIT_FAILED)


def _states(context: typer.Context) -> list[ServiceState]:
    from assistant.live import service_backends

    managers = service_backends(context_of(context).settings)
    if not managers:
        note("No service manager is set: write [services] supervisor = … in the settings.")
        raise typer.Exit(EXIT_FAILED)
    return [state for manager in managers for state in manager.list_services()]
