"""The newest log lines of several pods as one log, in the order of their time stamps."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

from tools.errors import BackendUnavailable
from tools.logs.sources.copying import Unchanged
from tools.logs.sources.kube_cluster import Cluster, ClusterRefused
from tools.logs.sources.kube_pods import Pod, PodContainer
from tools.logs.sources.parallel import run_all
from tools.logs.sources.watch import FetchWatch
from tools.services.body_tail import last_lines

# Of more containers, those in trouble are read and the others are not.
MAX_CONTAINERS = 12
_NEVER = datetime.min.replace(tzinfo=UTC)


def pods_tail(
    cluster: Cluster, pods: Sequence[Pod], max_lines: int, watch: FetchWatch
) -> tuple[str, ...]:
    """The newest `max_lines` lines of the pods' containers, their runs before this one included.

    Lines begin with `[pod/container] ` where there are several containers. Raises
    BackendUnavailable when logs may not be read; a container that has none yet is passed over.
    """
    if max_lines <= 0:
        return ()
    containers = [c for pod in pods for c in _with_logs(pod)]
    chosen = sorted(containers, key=PodContainer.is_calm)[:MAX_CONTAINERS]
    jobs = [partial(_tail, cluster, container, max_lines, watch) for container in chosen]
    tails = [tail or () for tail in run_all(jobs, watch)]
    timed = [_timed(tail, _prefix(c, chosen)) for c, tail in zip(chosen, tails, strict=True)]
    merged = [line for _, line in heapq.merge(*timed, key=lambda pair: pair[0])]
    return tuple(merged[-max_lines:])


def _with_logs(pod: Pod) -> Iterator[PodContainer]:
    for status in pod.containers:
        if status.has_begun or status.last_state.terminated:
            yield PodContainer(pod, status)


def _tail(
    cluster: Cluster, container: PodContainer, max_lines: int, watch: FetchWatch
) -> tuple[str, ...]:
    lines: tuple[str, ...] = ()
    for run in container.runs():
        try:
            response = cluster.stream(container.log_path, {**run, "tailLines": max_lines})
        except ClusterRefused as error:
            if error.status == 403:
                raise _forbidden(container, error) from error
            # Gone meanwhile, or rotated away, or not begun after all.
            continue
        lines += last_lines(response, Unchanged(), max_lines, watch)
    return lines[-max_lines:]


def _forbidden(container: PodContainer, error: ClusterRefused) -> BackendUnavailable:
    namespace = container.pod.metadata.namespace
    return BackendUnavailable(
        f"the log of {container.name} cannot be read: {error.message}",
        f"this login needs the verb get on pods/log in {namespace}",
    )


def _prefix(container: PodContainer, chosen: Sequence[PodContainer]) -> str:
    if len(chosen) == 1:
        return ""
    return f"[{container.pod.metadata.name}/{container.status.name}] "


def _timed(lines: Sequence[str], prefix: str) -> Iterator[tuple[datetime, str]]:
    """The lines with their times; one without a stamp sorts right behind the line before it."""
    for line in lines:
        yield _moment(line.partition(" ")[0]), f"{prefix}{line}"


def _moment(stamp: str) -> datetime:
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return _NEVER
    return moment if moment.tzinfo else _NEVER
