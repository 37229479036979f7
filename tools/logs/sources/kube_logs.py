"""Kubernetes as an origin of logs: one log per container of a pod, and one of a namespace's events.

A container that was restarted begins its log with what its run before this one wrote: there stands
why it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from tools.errors import BackendUnavailable
from tools.logs.sources.copying import Unchanged, copy_log, fetch_all
from tools.logs.sources.kube_cluster import (
    Cluster,
    ClusterRefused,
    KubernetesTarget,
    Query,
    open_cluster,
)
from tools.logs.sources.kube_events import event_lines
from tools.logs.sources.kube_lists import list_items
from tools.logs.sources.kube_pods import Pod, PodContainer, read_pods
from tools.logs.sources.origin import Check, Fetched, Haul
from tools.logs.sources.spool import Spool
from tools.logs.sources.watch import FetchLimits, FetchWatch
from tools.window import Window

_CHECK_LIMITS = FetchLimits(timeout_s=5.0)


@dataclass(frozen=True, slots=True)
class KubernetesOrigin:
    """The pods and events of `target`."""

    target: KubernetesTarget
    name: str = field(default="kubernetes", init=False)

    def fetch(
        self, window: Window, folder: Path, limits: FetchLimits, watch: FetchWatch | None = None
    ) -> Haul:
        """The logs of `window`, one per container and namespace. Raises BackendUnavailable.

        Where there are more containers than the limit allows, those that are not ready or were
        restarted come first.
        """
        watch = watch or FetchWatch(limits)
        with open_cluster(self.target, watch) as cluster:
            pods = read_pods(cluster, self.target, watch)
            containers = [c for pod in pods.found for c in _with_logs(pod, window)]
            room = max(1, limits.max_logs - len(self.target.namespaces))
            left_out = len(containers) - room
            notes = [f"{left_out} containers were not looked at"] if left_out > 0 else []
            containers = sorted(containers, key=PodContainer.is_calm)[:room]
            spooled = _Spooling(self.name, cluster, window, folder, limits, watch)
            jobs = [*map(spooled.events, self.target.namespaces), *map(spooled.log, containers)]
            return fetch_all(jobs, (*pods.notes, *notes), watch)

    def check(self) -> Check:
        """Whether the cluster answers and lets this login list the pods; see LogOrigin."""
        watch = FetchWatch(_CHECK_LIMITS)
        try:
            with open_cluster(self.target, watch) as cluster:
                pods = read_pods(cluster, self.target, watch)
        except BackendUnavailable as error:
            return Check(False, f"kubernetes: {error.message}; {error.hint}")
        if pods.notes:
            return Check(False, f"kubernetes: {'; '.join(pods.notes)}")
        where = ", ".join(self.target.namespaces)
        return Check(True, f"kubernetes: {len(pods.found)} pods in {where}")


def _with_logs(pod: Pod, window: Window) -> Iterator[PodContainer]:
    """The containers of the pod that have run, and not only before the window."""
    for status in pod.containers:
        ended = status.state.terminated
        ended_at = ended.finished_at if ended else None
        is_over = ended_at is not None and window.start is not None and ended_at < window.start
        if not is_over and (status.has_begun or status.last_state.terminated):
            yield PodContainer(pod, status)


@dataclass(slots=True)
class _Spooling:
    """Makes the jobs of one fetch, each with a spool of its own."""

    origin: str
    cluster: Cluster
    window: Window
    folder: Path
    limits: FetchLimits
    watch: FetchWatch
    _count: int = 0

    def events(self, namespace: str) -> tuple[str, Callable[[], Fetched | str]]:
        spool = self._spool(f"{namespace}/events")
        return spool.name, partial(self._fetch_events, namespace, spool)

    def log(self, container: PodContainer) -> tuple[str, Callable[[], Fetched | str]]:
        spool = self._spool(container.name)
        return spool.name, partial(self._fetch_log, container, spool)

    def _spool(self, name: str) -> Spool:
        self._count += 1
        end = _stamp_after(self.window.end)
        return Spool(self.folder, self._count, f"{self.origin}:{name}", self.limits, end)

    def _fetch_events(self, namespace: str, spool: Spool) -> Fetched | str:
        try:
            listing = list_items(self.cluster, [namespace], "events", {}, self.watch)
        except BackendUnavailable as error:
            return error.message
        for line in event_lines(listing.items, self.window):
            spool.write(line.encode("utf-8", "replace") + b"\n")
        return spool.close(*listing.notes)

    def _fetch_log(self, container: PodContainer, spool: Spool) -> Fetched | str:
        notes: list[str] = []
        problems: list[str] = []
        has_answered = False
        for run in container.runs():
            try:
                response = self.cluster.stream(container.log_path, {**run, **self._bounds()})
            except (ClusterRefused, BackendUnavailable) as error:
                problems.append(error.message)
                continue
            has_answered = True
            notes += copy_log(response, Unchanged(), spool, self.watch)
        if not has_answered:
            return f"{spool.name} was left out: {problems[-1]}"
        return spool.close(*notes, *problems)

    def _bounds(self) -> Query:
        bounds: dict[str, str | int] = {}
        if self.window.start is not None:
            bounds["sinceTime"] = f"{self.window.start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        if self.window.end is None:
            # Counted from now: the wrong lines where a window has ended.
            bounds["tailLines"] = self.limits.max_log_lines
        return bounds


def _stamp_after(end: datetime | None) -> str:
    """The first whole second that is not before `end`, as the stamps of lines begin."""
    if end is None:
        return ""
    whole = end.replace(microsecond=0)
    return f"{whole + timedelta(seconds=whole < end):%Y-%m-%dT%H:%M:%S}"
