"""`midwatch services`: what the service managers say, and acting on a service."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.approvals import settle
from assistant.cli.context import EXIT_FAILED, context_of
from assistant.cli.output import note, print_json, stdout_console, visible

if TYPE_CHECKING:
    from tools.scope import ServiceState
    from tools.services.control import Verb

app = typer.Typer(help="See the services, and act on one.", no_args_is_help=True)

Name = Annotated[
    str, typer.Argument(help="The service's name; its end is enough when that is clear.")
]
Backend = Annotated[str, typer.Option(help="Only this service manager.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Agree at once, without being asked.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


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


@app.command()
def restart(
    context: typer.Context,
    name: Name,
    backend: Backend = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Restart a service, once somebody who may has agreed. Exits with 3 while nobody has."""
    _order(context, "restart", name, backend, yes=yes, as_json=as_json)


@app.command()
def start(
    context: typer.Context,
    name: Name,
    backend: Backend = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Start a service that is down."""
    _order(context, "start", name, backend, yes=yes, as_json=as_json)


@app.command()
def stop(
    context: typer.Context,
    name: Name,
    backend: Backend = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Stop a service."""
    _order(context, "stop", name, backend, yes=yes, as_json=as_json)


@app.command()
def scale(
    context: typer.Context,
    name: Name,
    replicas: Annotated[int, typer.Argument(help="How many there are to be.", min=1)],
    backend: Backend = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Change the number of a workload's replicas."""
    _order(context, "scale", name, backend, replicas, yes=yes, as_json=as_json)


@app.command()
def delete(
    context: typer.Context,
    name: Name,
    backend: Backend = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete a pod, so that its owner makes a new one."""
    _order(context, "delete", name, backend, yes=yes, as_json=as_json)


def _order(
    context: typer.Context,
    verb: Verb,
    name: str,
    backend: str,
    replicas: int | None = None,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Order it; agree to it when the person says so, else leave it waiting (exit status 3)."""
    from assistant.approvals.person import system_person
    from assistant.interface import OrderRequest

    request = OrderRequest(verb, name, system_person("cli"), backend, replicas)
    raise typer.Exit(settle(context_of(context), request, yes=yes, as_json=as_json))


def _states(context: typer.Context) -> list[ServiceState]:
    from assistant.live import service_backends

    managers = service_backends(context_of(context).settings)
    if not managers:
        note("No service manager is set: write [services] supervisor = … in the settings.")
        raise typer.Exit(EXIT_FAILED)
    return [state for manager in managers for state in manager.list_services()]
