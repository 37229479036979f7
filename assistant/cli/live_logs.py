"""Logs that are not files, for the length of one command.

The journal, containers and pods are named like the settings that switch them on. What they hold is
copied into a private folder that goes away with the command.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from assistant.cli.output import note, working

if TYPE_CHECKING:
    from assistant.settings import Settings
    from tools.logs.sources.origin import Fetched, Haul
    from tools.scope import LogSource
    from tools.window import Window

# Each origin with what switches it on.
ORIGINS: Mapping[str, str] = {
    "journal": '[logs] journal = "*"',
    "docker": '[logs] docker = "*"',
    "kubernetes": '[kubernetes] namespaces = ["default"]',
}


@dataclass(frozen=True, slots=True)
class LiveLogs:
    """What came from `origins`; a log's name begins with that of its origin, as `journal:nginx`."""

    origins: Sequence[str] = ()
    fetched: Sequence[Fetched] = ()

    def of(self, origin: str) -> list[LogSource]:
        """The logs that came from `origin`; none when it did not answer."""
        sources = (log.source for log in self.fetched)
        return [source for source in sources if source.name.startswith(f"{origin}:")]

    def has(self, name: str) -> bool:
        """Whether the log called `name` was fetched."""
        return any(log.source.name == name for log in self.fetched)

    def notes_on(self, name: str) -> tuple[str, ...]:
        """What is missing from the log called `name`."""
        return next((log.notes for log in self.fetched if log.source.name == name), ())


def switched_on(settings: Settings) -> list[str]:
    """The origins that the settings name."""
    values = (settings.logs.journal, settings.logs.docker, settings.kubernetes.namespaces)
    return [origin for origin, value in zip(ORIGINS, values, strict=True) if value]


@contextmanager
def live_logs(origins: Sequence[str], settings: Settings, window: Window) -> Iterator[LiveLogs]:
    """The logs of `origins` in `window`, as files until the block ends.

    What could not be read is said on standard error. Raises SourceNotFound when there is nothing,
    and KeyboardInterrupt once the fetch has been ended by it.
    """
    if not origins:
        yield LiveLogs()
        return
    folder = settings.data.dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="spool-", dir=folder, ignore_cleanup_errors=True) as spool:
        haul = _fetch(_only(origins, settings), window, Path(spool))
        if not haul.logs:
            from tools.errors import SourceNotFound

            raise SourceNotFound(f"no logs came from {', '.join(origins)}", "\n  ".join(haul.notes))
        for words in haul.notes:
            note(words)
        yield LiveLogs(origins, haul.logs)


def _only(origins: Sequence[str], settings: Settings) -> Settings:
    """The settings without the origins that are not wanted."""
    logs, pods = settings.logs, settings.kubernetes
    unwanted = [name for name in ("journal", "docker") if name not in origins]
    logs = logs.model_copy(update=dict.fromkeys(unwanted, ()))
    if "kubernetes" not in origins:
        pods = pods.model_copy(update={"namespaces": ()})
    return settings.model_copy(update={"logs": logs, "kubernetes": pods})


def _fetch(settings: Settings, window: Window, folder: Path) -> Haul:
    from assistant.live import fetch_logs

    with working("fetching logs"), _interrupt_noted() as was_interrupted:
        haul = fetch_logs(settings, window, folder, was_interrupted)
    if was_interrupted():
        raise KeyboardInterrupt
    return haul


@contextmanager
def _interrupt_noted() -> Iterator[Callable[[], bool]]:
    """Within, Ctrl-C ends nothing; it is what the given function says.

    So a fetch ends its programs and connections before the command does.
    """
    seen = threading.Event()
    usual = signal.signal(signal.SIGINT, lambda *_: seen.set())
    try:
        yield seen.is_set
    finally:
        signal.signal(signal.SIGINT, usual)
