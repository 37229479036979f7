"""Writes the reference pages that must say what the code does: docs/settings.md, docs/commands.md.

`make docs` runs it; a test compares the pages with what it would write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import platformdirs
import typer

from assistant.cli.main import app
from assistant.settings import ENVIRONMENT_PREFIX, NamedModel, Settings

FOLDER = Path(__file__).parent
WIDTH = 80

SETTINGS_HEAD = f"""\
# Settings

Settings are TOML. Where a key is set twice, the stronger source wins, key by key:

1. a flag of the command line (`--model`, `--data-dir`),
2. an environment variable: `{ENVIRONMENT_PREFIX}MODEL_NAME` is `name` in `[model]`,
3. the file of `--config`, else of `$MIDWATCH_CONFIG`,
4. `midwatch.toml` in the working folder,
5. `~/.config/midwatch/midwatch.toml` (`$XDG_CONFIG_HOME` is honoured),
6. the default.

`midwatch config init` writes a file with every key in it, commented out. `midwatch config show`
says what holds, and where each value came from; an address that may hold a password is masked. What
is unknown is refused by name: section, key and variable.

A variable takes a table or a list as JSON:
`{ENVIRONMENT_PREFIX}LOGS_SOURCES='{{"checkout": "/var/log/checkout/*.log"}}'`.
"""

COMMANDS_HEAD = """\
# Commands

Results go to standard output; progress and errors go to standard error. Exit codes: 0 ok, 1 failed,
2 wrong usage, 130 interrupted.
"""


def main() -> None:
    """Write the pages."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """The text of each page by its file name."""
    return {"settings.md": settings_page(), "commands.md": commands_page()}


def settings_page() -> str:
    """Every section with its keys, their defaults, what they may be, and what they are for."""
    parts = [SETTINGS_HEAD]
    schemas = Settings.model_json_schema()["$defs"]
    for section, field in Settings.model_fields.items():
        assert isinstance(field.annotation, type)
        parts += _table(section, schemas[field.annotation.__name__], getattr(Settings(), section))
        if section == "routing":
            example = NamedModel.model_construct(name="")
            parts += _table("routing.models.NAME", schemas[NamedModel.__name__], example)
    return "\n".join(parts)


def _table(section: str, schema: Mapping[str, Any], defaults: Any) -> Iterator[str]:
    """The keys of one section. Those that have no default are needed."""
    yield f"## `[{section}]`\n\n{schema['description']}\n"
    yield "| key | default | takes | meaning |\n| --- | --- | --- | --- |"
    for key, about in schema["properties"].items():
        is_needed = key in schema.get("required", ())
        default = "needed" if is_needed else _default(getattr(defaults, key))
        yield f"| `{key}` | {default} | {_takes(about)} | {about['description']} |"
    yield ""


def commands_page() -> str:
    """The `--help` of every command."""
    sections = [
        f"## `{name}`\n\n```text\n{command.get_help(context)}\n```\n"
        for name, command, context in _commands("midwatch", typer.main.get_command(app), None)
    ]
    return "\n".join([COMMANDS_HEAD, *sections])


def _default(value: Any) -> str:
    if value is None or value == "":
        return "unset"
    if value in ({}, ()):
        return "none"
    if isinstance(value, Path):
        # The same on whichever machine the page is written.
        value = f"~/.local/share/{value.relative_to(platformdirs.user_data_path())}"
    return f"`{json.dumps(value)}`"


def _takes(about: Mapping[str, Any]) -> str:
    """What a key may be, from its JSON schema."""
    if "anyOf" in about:
        kinds = [_takes(kind) for kind in about["anyOf"] if kind.get("type") != "null"]
        return " or ".join(kinds)
    if "enum" in about:
        return " or ".join(f"`{json.dumps(value)}`" for value in about["enum"])
    if "const" in about:
        return f"`{json.dumps(about['const'])}`"
    if about.get("type") == "array":
        return f"list of {_takes(about['items'])}"
    words = {
        "boolean": "`true` or `false`",
        "integer": "whole number",
        "number": "number",
        "object": "table",
        "string": "text",
    }
    limits = [f"at least {about['minimum']:g}"] if "minimum" in about else []
    limits += [f"more than {about['exclusiveMinimum']:g}"] if "exclusiveMinimum" in about else []
    limits += [f"at most {about['maximum']:g}"] if "maximum" in about else []
    return ", ".join(["path" if about.get("format") == "path" else words[about["type"]], *limits])


def _commands(name: str, command: Any, parent: Any) -> Iterator[tuple[str, Any, Any]]:
    """Each command with its whole name and a context to render its help in, groups first."""
    last = name.rpartition(" ")[2]
    context = command.make_context(last, [], parent, resilient_parsing=True, terminal_width=WIDTH)
    yield name, command, context
    for child in getattr(command, "commands", {}):
        yield from _commands(f"{name} {child}", command.commands[child], context)


if __name__ == "__main__":
    main()
