"""The `midwatch` command: its global options, its groups, and what an error looks like.

Nothing heavy is imported here or at the top of a command's module, so that `--help` is instant.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli import (
    approvals,
    ask,
    audit,
    bench,
    code,
    config,
    doctor,
    evaluation,
    host,
    incidents,
    knowledge,
    logs,
    metrics,
    models,
    probe,
    serve,
    services,
    sessions,
    tokens,
    top,
)
from assistant.cli.completion import model_names
from assistant.cli.context import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, Context
from assistant.cli.output import note, redact_with, without_secrets

app = typer.Typer(
    name="midwatch",
    help="An operations assistant that answers from your runbooks, logs and services.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("ask")(ask.ask)
app.command("serve")(serve.serve)
app.command("top")(top.top)
app.add_typer(tokens.app, name="tokens")
app.command("ingest")(knowledge.ingest)
app.command("search")(knowledge.search)
app.add_typer(knowledge.app, name="knowledge")
app.command("logs")(logs.logs)
app.command("metrics")(metrics.metrics)
app.command("host")(host.host)
app.command("probe")(probe.probe)
app.command("code")(code.code)
app.command("resolve")(incidents.resolve)
app.add_typer(incidents.app, name="incidents")
app.add_typer(services.app, name="services")
app.add_typer(approvals.app, name="approvals")
app.add_typer(audit.app, name="audit")
app.add_typer(models.app, name="model")
app.add_typer(sessions.app, name="sessions")
app.add_typer(config.app, name="config")
app.command("doctor")(doctor.doctor)
app.command("eval")(evaluation.evaluate)
app.command("bench")(bench.bench)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"midwatch {version('midwatch')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config", help="Settings file; overrides midwatch.toml.", show_default=False
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Model name, or the path of a GGUF file.",
            autocompletion=model_names,
            show_default=False,
        ),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder for sessions, knowledge and models.", show_default=False),
    ] = None,
    server: Annotated[
        str,
        typer.Option(
            help="Use the server at this address, like https://midwatch.internal:8443.",
            show_default=False,
        ),
    ] = "",
    local: Annotated[
        bool, typer.Option("--local", help="Work in this process, even where a server runs.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log to standard error; tracebacks on failure.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """An operations assistant that answers from your runbooks, logs and services."""
    _set_up_logging(verbose=verbose)
    flags = {"model.name": model, "data.dir": None if data_dir is None else str(data_dir)}
    if server and local:
        raise typer.BadParameter("give --server or --local, not both")
    context.obj = Context(config_file, flags, verbose, server, local)
    redact_with(context.obj.open_redactor)


def main() -> None:
    """Run the command line and exit with its status."""
    _quiet_libraries()
    for stream in (sys.stdout, sys.stderr):
        # A file's name, or a log in a terminal of another alphabet, must not end a command.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    verbose = "--verbose" in sys.argv or "-v" in sys.argv
    try:
        status = app(prog_name="midwatch", standalone_mode=False) or EXIT_OK
    except (KeyboardInterrupt, typer.Abort):
        status = EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the edge: every failure becomes a sentence
        status = _report(error, verbose=verbose)
    if status == EXIT_INTERRUPTED:
        _leave_at_once()
    _flush()
    sys.exit(status)


def _leave_at_once() -> None:
    """Exit without waiting for threads that compute; what had to be put away has been by now."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    note("interrupted")
    os._exit(EXIT_INTERRUPTED)


def _flush() -> None:
    """Write out what is left. `midwatch … | head` ends quietly: whoever read it has gone."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _set_up_logging(*, verbose: bool) -> None:
    """Our own log on standard error when it is wanted; of libraries only what they warn of."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    level = logging.WARNING if verbose else logging.CRITICAL
    logging.basicConfig(level=level, handlers=[handler])
    if verbose:
        for package in ("assistant", "knowledge", "tools"):
            logging.getLogger(package).setLevel(logging.DEBUG)


class _Formatter(logging.Formatter):
    """What is logged, and a traceback with it, has no secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """See the base class."""
        return without_secrets(super().format(record))


def _report(error: Exception, *, verbose: bool) -> int:
    """Say what went wrong on standard error; the exit status for it."""
    if hasattr(error, "exit_code") and hasattr(error, "show"):
        error.show()
        return int(error.exit_code)
    from assistant.problems import describe

    if verbose:
        logging.getLogger(__name__).error("failed", exc_info=error)
    problem = describe(error)
    note(f"midwatch: {problem.message}")
    if problem.hint:
        note(f"  {problem.hint}")
    return EXIT_FAILED


def _quiet_libraries() -> None:
    """Libraries that would print, phone home or look for newer versions of themselves: do not."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    # Traces hold whole prompts, log lines included. The first outweighs LangSmith's other switches,
    # which somebody may have set for other programs; the second is an older one, and an error.
    os.environ.update(LANGSMITH_TRACING_V2="false", LANGCHAIN_TRACING="false")


if __name__ == "__main__":
    main()
