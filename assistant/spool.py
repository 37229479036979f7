"""Logs that are not files yet, for the length of one turn.

The journal, containers and pods keep logs of their own. What they hold for the question's time is
copied into a private folder that goes away with the turn, as a tool call like any other.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from assistant.agent.toolbox import Toolbox
from assistant.live import fetch_logs, has_live_logs
from assistant.settings import Settings
from tools.result import Status, ToolResult
from tools.window import Window, parse_duration

if TYPE_CHECKING:
    from tools.logs.sources.origin import Haul

_MAX_NAMES = 8
_PREFIX = "spool-"
# No turn takes so long: what is older was left by a process that was killed.
_LEFT_OVER_S = 24 * 3600.0


@asynccontextmanager
async def live_logs(toolbox: Toolbox, settings: Settings, since: str) -> AsyncIterator[None]:
    """Within, the toolbox's scope has the logs of the live systems since twice `since` (`30m`).

    Twice, because what came before is what the time of the question is compared with. Nothing
    happens for a bundle or attached files.
    """
    if toolbox.scope.origin != "live" or not has_live_logs(settings):
        yield
        return
    await asyncio.to_thread(_sweep, settings.data.dir)
    with TemporaryDirectory(prefix=_PREFIX, dir=settings.data.dir) as folder:
        window = Window(toolbox.scope.now - 2 * parse_duration(since))
        found: list[Haul] = []

        def fetch() -> ToolResult:
            haul = fetch_logs(settings, window, Path(folder), lambda: toolbox.is_cancelled)
            found.append(haul)
            return _result(haul)

        report = await toolbox.perform("fetch_logs", {"since": since}, fetch)
        fetched = {log.source.name: log.source for haul in found for log in haul.logs}
        toolbox.scope = replace(toolbox.scope, logs={**toolbox.scope.logs, **fetched})
        if report.result.status is not Status.OK or any(haul.notes for haul in found):
            toolbox.gathered.append(report.result.summary)
        yield


def _sweep(data_dir: Path) -> None:
    """Remove the folders of turns that did not live to do it themselves."""
    for folder in data_dir.glob(f"{_PREFIX}*"):
        if time.time() - folder.stat().st_mtime > _LEFT_OVER_S:
            shutil.rmtree(folder, ignore_errors=True)


def _result(haul: Haul) -> ToolResult:
    names = [log.source.name for log in haul.logs]
    shown = ", ".join(names[:_MAX_NAMES]) + (" …" if len(names) > _MAX_NAMES else "")
    notes = [*haul.notes, *(note for log in haul.logs for note in log.notes)]
    text = f"Fetched {len(names)} logs{f' ({shown})' if names else ''}."
    if not names:
        return ToolResult(Status.ERROR if notes else Status.NO_DATA, " ".join([text, *notes]))
    return ToolResult(Status.OK, " ".join([text, *(f"{note}." for note in notes)]))
