"""The live systems that keep logs of their own: which there are, and fetching from all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools.errors import BackendUnavailable
from tools.logs.sources.docker_containers import DockerTarget
from tools.logs.sources.docker_logs import DockerOrigin
from tools.logs.sources.docker_states import DockerBackend
from tools.logs.sources.journal import JournalOrigin, JournalTarget
from tools.logs.sources.kube_cluster import KubernetesTarget
from tools.logs.sources.kube_logs import KubernetesOrigin
from tools.logs.sources.kube_states import KubernetesBackend
from tools.logs.sources.origin import Haul, LogOrigin
from tools.logs.sources.parallel import run_all
from tools.logs.sources.watch import FetchLimits, FetchWatch
from tools.scope import ServiceBackend
from tools.window import Window

# An origin returns by itself when the time is up; here it only gets the time to say what it has.
_GRACE_S = 3.0


@dataclass(frozen=True, slots=True)
class LiveSystems:
    """The systems to look at; None for one that is not set up."""

    journal: JournalTarget | None = None
    docker: DockerTarget | None = None
    kubernetes: KubernetesTarget | None = None


def origins(systems: LiveSystems) -> list[LogOrigin]:
    """What keeps logs; nothing is asked of it yet."""
    found: list[LogOrigin] = []
    if systems.journal is not None:
        found.append(JournalOrigin(systems.journal))
    if systems.docker is not None:
        found.append(DockerOrigin(systems.docker))
    if systems.kubernetes is not None:
        found.append(KubernetesOrigin(systems.kubernetes))
    return found


def service_backends(systems: LiveSystems) -> list[ServiceBackend]:
    """What knows the states of services; nothing is asked of it yet."""
    found: list[ServiceBackend] = []
    if systems.docker is not None:
        found.append(DockerBackend(systems.docker))
    if systems.kubernetes is not None:
        found.append(KubernetesBackend(systems.kubernetes))
    return found


def fetch_live(
    origins: Sequence[LogOrigin],
    window: Window,
    folder: Path,
    limits: FetchLimits,
    watch: FetchWatch | None = None,
) -> Haul:
    """The logs of all origins at once, each in a folder of its own (0700) below `folder`.

    Never raises for an origin that cannot be read: that is a note.
    """
    watch = watch or FetchWatch(limits)
    jobs = [partial(_fetch, origin, window, folder, limits, watch) for origin in origins]
    hauls = run_all(jobs, watch, grace_s=_GRACE_S)
    parts = [
        haul or Haul(notes=(f"{origin.name} did not answer: {watch.stop_reason()}",))
        for origin, haul in zip(origins, hauls, strict=True)
    ]
    logs = tuple(log for part in parts for log in part.logs)
    return Haul(logs, tuple(note for part in parts for note in part.notes))


def _fetch(
    origin: LogOrigin, window: Window, folder: Path, limits: FetchLimits, watch: FetchWatch
) -> Haul:
    own = folder / origin.name
    try:
        own.mkdir(mode=0o700)
        return origin.fetch(window, own, limits, watch)
    except BackendUnavailable as error:
        hint = f"; {error.hint}" if error.hint else ""
        return Haul(notes=(f"{origin.name}: {error.message}{hint}",))
    except OSError as error:
        return Haul(notes=(f"{origin.name}: {own} cannot be written: {error.strerror}",))
