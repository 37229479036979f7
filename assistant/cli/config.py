"""`midwatch config`: the settings file, and where each setting came from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.context import context_of
from assistant.cli.output import note, print_json

app = typer.Typer(help="Write and show the settings.", no_args_is_help=True)


@app.command()
def init(
    context: typer.Context,
    here: Annotated[
        bool, typer.Option("--here", help="Write ./midwatch.toml, not the user's own file.")
    ] = False,
) -> None:
    """Write a settings file with every key, its default and its meaning, all commented out."""
    from assistant.errors import SettingsError
    from assistant.settings import FILE_NAME, reference_toml, user_config_file

    path = Path(FILE_NAME) if here else user_config_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(reference_toml())
    except FileExistsError as error:
        raise SettingsError(f"{path} exists already", "edit it, or remove it first") from error
    print(path)


@app.command()
def show(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show every setting with where it came from; secrets are masked."""
    from assistant.settings import shown

    loaded = context_of(context).loaded
    values = shown(loaded.settings)
    if as_json:
        print_json({"settings": values, "origins": dict(loaded.origins)})
        return
    for section, keys in values.items():
        print(f"[{section}]")
        for key, value in keys.items():
            origin = loaded.origins.get(f"{section}.{key}", "default")
            print(f"{key} = {_toml(value)}  # {origin}")
        print()


@app.command("path")
def config_path(context: typer.Context) -> None:
    """Print the settings files that are read, strongest last."""
    from assistant.settings import config_files, user_config_file

    files = config_files(config=context_of(context).config, environment=os.environ)
    for path in files:
        print(path)
    if not files:
        note(f"None yet; {user_config_file()} would be read: midwatch config init")


def _toml(value: object) -> str:
    import json

    return '""' if value is None else json.dumps(value, ensure_ascii=False)
