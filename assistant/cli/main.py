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
    ask,
    config,
    doctor,
    evaluation,
    knowledge,
    logs,
    models,
    services,
    sessions,
)
from assistant.cli.context import EXIT_FAILED, EXIT_INTERRUPTED, Context

app = typer.Typer(
    name="midwatch",
    help="An operations assistant that answers from your runbooks, logs and services.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("ask")(ask.ask)
app.command("ingest")(knowledge.ingest)
app.command("search")(knowledge.search)
app.command("logs")(logs.logs)
app.add_typer(services.app, name="services")
app.add_typer(models.app, name="model")
app.add_typer(sessions.app, name="sessions")
app.add_typer(config.app, name="config")
app.command("doctor")(doctor.doctor)
app.command("eval")(evaluation.evaluate)


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
        typer.Option(help="Model name, or the path of a GGUF file.", show_default=False),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder for sessions, knowledge and models.", show_default=False),
    ] = None,
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
    context.obj = Context(config=config_file, flags=flags, verbose=verbose)


def main() -> None:
    """Run the command line and exit with its status."""
    _quiet_libraries()
    # `midwatch … | head` ends midwatch quietly, as it ends any other program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    verbose = "--verbose" in sys.argv or "-v" in sys.argv
    try:
        status = app(standalone_mode=False)
    except typer.Abort:
        status = EXIT_INTERRUPTED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        status = EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the edge: every failure becomes a sentence
        status = _report(error, verbose=verbose)
    sys.stdout.flush()
    sys.exit(status or 0)


def _set_up_logging(*, verbose: bool) -> None:
    """Our own log on standard error when it is wanted; of libraries only what they warn of."""
    logging.basicConfig(
        level=logging.WARNING if verbose else logging.CRITICAL,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if verbose:
        for package in ("assistant", "knowledge", "tools"):
            logging.getLogger(package).setLevel(logging.DEBUG)


def _report(error: Exception, *, verbose: bool) -> int:
    """Say what went wrong on standard error; the exit status for it."""
    if hasattr(error, "exit_code") and hasattr(error, "show"):
        error.show()
        return int(error.exit_code)
    from assistant.problems import describe

    if verbose:
        logging.getLogger(__name__).error("failed", exc_info=error)
    problem = describe(error)
    print(f"midwatch: {problem.message}", file=sys.stderr)
    if problem.hint:
        print(f"  {problem.hint}", file=sys.stderr)
    return EXIT_FAILED


def _quiet_libraries() -> None:
    """Libraries that would print, phone home or look for newer versions of themselves: do not."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    # It outweighs all other variables of LangSmith, which somebody may have set for other programs:
    # traces hold whole prompts, log lines included.
    os.environ["LANGSMITH_TRACING_V2"] = "false"


if __name__ == "__main__":
    main()
