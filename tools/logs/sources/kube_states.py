"""Kubernetes as a service back end: workloads with the states of their pods in words. Read-only."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tools.logs.sources.kube_cluster import KubernetesTarget, open_cluster
from tools.logs.sources.kube_pods import Pod, read_pods
from tools.logs.sources.kube_verdict import PodVerdict
from tools.logs.sources.names import printable, unique
from tools.logs.sources.watch import FetchLimits, FetchWatch
from tools.scope import ServiceState

_log = logging.getLogger(__name__)
_LIMITS = FetchLimits(timeout_s=10.0)
_MAX_TOLD = 2


@dataclass(slots=True)
class KubernetesBackend:
    """The workloads of `target` as services: the pods of a Deployment, StatefulSet, … are one.

    A workload is healthy when each of its pods is ready and not restarted again and again, or has
    finished its work. Failed pods that others have replaced are told, and not held against it.
    """

    target: KubernetesTarget
    name: str = field(default="kubernetes", init=False)

    def list_services(self) -> list[ServiceState]:
        """All workloads that have pods, by namespace and name. Raises BackendUnavailable."""
        watch = FetchWatch(_LIMITS)
        with open_cluster(self.target, watch) as cluster:
            pods = read_pods(cluster, self.target, watch)
        for note in pods.notes:
            _log.warning("kubernetes: %s", note)
        return states_of(pods.found, datetime.now(UTC))


def states_of(pods: Iterable[Pod], now: datetime) -> list[ServiceState]:
    """The workloads of `pods` as services at the moment `now`."""
    workloads: defaultdict[tuple[str, str, str], list[Pod]] = defaultdict(list)
    for pod in pods:
        workloads[workload_of(pod)].append(pod)
    groups = sorted(workloads.items())
    names = unique(f"{namespace}/{name}" for (namespace, name, _), _ in groups)
    return [state_of(name, group, now) for name, (_, group) in zip(names, groups, strict=True)]


def workload_of(pod: Pod) -> tuple[str, str, str]:
    """Namespace, name and kind of what made the pod; of the pod itself when nothing did."""
    place = pod.metadata
    owner = place.controller
    if owner is None:
        return (place.namespace, place.name, "Pod")
    digest = place.labels.get("pod-template-hash")
    if owner.kind == "ReplicaSet" and digest and owner.name.endswith(f"-{digest}"):
        return (place.namespace, owner.name.removesuffix(f"-{digest}"), "Deployment")
    return (place.namespace, printable(owner.name), owner.kind)


def state_of(name: str, pods: Sequence[Pod], now: datetime) -> ServiceState:
    """The pods of one workload, at least one, as one service at the moment `now`."""
    verdicts = sorted((PodVerdict(pod, now) for pod in pods), key=lambda verdict: verdict.rank)
    well = [verdict for verdict in verdicts if verdict.is_well]
    unwell = [verdict for verdict in verdicts if not verdict.is_well]
    is_healthy = bool(well) and all(verdict.pod.status.phase == "Failed" for verdict in unwell)
    shown = well[0] if is_healthy else verdicts[0]
    ended = None if is_healthy else shown.ended
    return ServiceState(
        name=name,
        state=shown.word,
        is_healthy=is_healthy,
        description="; ".join([_tally(pods), *(verdict.story for verdict in unwell[:_MAX_TOLD])]),
        since=ended.finished_at if ended else shown.pod.status.start_time,
        exit_status=ended.exit_code if ended else None,
    )


def _tally(pods: Sequence[Pod]) -> str:
    finished = sum(pod.has_finished for pod in pods)
    restarts = sum(status.restart_count for pod in pods for status in pod.containers)
    parts = []
    if finished < len(pods):
        parts.append(f"{sum(pod.is_ready for pod in pods)} of {len(pods) - finished} pods ready")
    if finished:
        parts.append(f"{finished} finished")
    if restarts:
        parts.append(f"{restarts} restarts")
    return ", ".join(parts)
