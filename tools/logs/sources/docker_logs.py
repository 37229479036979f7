"""Docker as an origin of logs: one log per container, each line with the engine's time stamp."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tools.errors import BackendUnavailable
from tools.logs.sources.copying import Decoder, Unchanged, copy_log, fetch_all
from tools.logs.sources.docker_containers import (
    DockerTarget,
    Inspected,
    list_containers,
    read_containers,
)
from tools.logs.sources.docker_engine import DockerEngine, DockerRefused, open_engine
from tools.logs.sources.docker_frames import FrameDecoder
from tools.logs.sources.names import unique
from tools.logs.sources.origin import Check, Fetched, Haul
from tools.logs.sources.spool import Spool
from tools.logs.sources.watch import FetchLimits, FetchWatch
from tools.window import Window

_CHECK_LIMITS = FetchLimits(timeout_s=5.0)


@dataclass(frozen=True, slots=True)
class DockerOrigin:
    """The containers of `target`; where it names none, those that ran within the window."""

    target: DockerTarget = field(default_factory=DockerTarget)
    name: str = field(default="docker", init=False)

    def fetch(
        self, window: Window, folder: Path, limits: FetchLimits, watch: FetchWatch | None = None
    ) -> Haul:
        """The logs of `window`, one per container; see LogOrigin. Raises BackendUnavailable."""
        watch = watch or FetchWatch(limits)
        with open_engine(self.target.url, watch) as engine:
            containers = read_containers(engine, self.target, limits.max_logs, watch)
            is_chosen = bool(self.target.containers)
            read = [c for c in containers.found if is_chosen or c.ran_in(window)]
            names = unique(f"{self.name}:{container.shown_name}" for container in read)
            jobs = []
            for number, (name, container) in enumerate(zip(names, read, strict=True), 1):
                spool = Spool(folder, number, name, limits)
                jobs.append((name, partial(_fetch, engine, container, window, spool, watch)))
            return fetch_all(jobs, containers.notes, watch)

    def check(self) -> Check:
        """Whether the engine answers, and whether the named containers exist; see LogOrigin."""
        watch = FetchWatch(_CHECK_LIMITS)
        try:
            with open_engine(self.target.url, watch) as engine:
                listed, notes = list_containers(engine, self.target, watch)
        except BackendUnavailable as error:
            return Check(False, f"docker: {error.message}; {error.hint}")
        if notes:
            return Check(False, f"docker: {'; '.join(notes)}")
        return Check(True, f"docker: {len(listed)} containers")


def _fetch(
    engine: DockerEngine, container: Inspected, window: Window, spool: Spool, watch: FetchWatch
) -> Fetched | str:
    """The container's log, or why it cannot be read: an engine may keep none."""
    path = f"/containers/{container.id}/logs"
    try:
        response = engine.stream(path, _query(window, spool.limits.max_log_lines))
    except (DockerRefused, BackendUnavailable) as error:
        return f"{spool.name} was left out: {error.message}"
    decoder: Decoder = Unchanged() if container.config.has_tty else FrameDecoder()
    return spool.close(*copy_log(response, decoder, spool, watch))


def _query(window: Window, max_lines: int) -> dict[str, str | int | float]:
    query: dict[str, str | int | float] = {"stdout": 1, "stderr": 1, "timestamps": 1}
    if window.start is not None:
        query["since"] = f"{window.start.timestamp():.6f}"
    if window.end is not None:
        query["until"] = f"{window.end.timestamp():.6f}"
    else:
        # The engine counts its lines from now, so they are the wrong ones where a window has ended.
        query["tail"] = max_lines
    return query
