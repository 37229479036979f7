"""`midwatch doctor`: what on this machine stands in midwatch's way, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from assistant.cli.context import EXIT_FAILED, context_of
from assistant.cli.output import print_json, stdout_console, visible

_MARKS = {"ok": ("ok", "green"), "warning": ("!!", "yellow"), "failed": ("XX", "red")}


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check the settings, the model, the disk, the memory, the processors and the stores."""
    from assistant.doctor import examine

    checks = examine(lambda: context_of(context).loaded)
    has_failed = any(check.verdict == "failed" for check in checks)
    if as_json:
        print_json({"checks": [asdict(check) for check in checks], "is_ok": not has_failed})
    else:
        from rich.text import Text

        for check in checks:
            mark, style = _MARKS[check.verdict]
            line = Text.assemble((mark, style), f" {check.name}: ", visible(check.found))
            stdout_console().print(line, soft_wrap=True)
            if check.remedy:
                stdout_console().print(Text(f"   {visible(check.remedy)}"), soft_wrap=True)
    if has_failed:
        raise typer.Exit(EXIT_FAILED)
