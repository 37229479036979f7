"""Workloads and pods as services: their states in words, the rollout before the single pods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tools.logs.sources.kube_pods import Pod
from tools.logs.sources.kube_states import state_of
from tools.logs.sources.kube_verdict import PodVerdict
from tools.logs.sources.names import printable
from tools.scope import ServiceState
from tools.services.kube.names import DAEMONSET, POD, Kind, ServiceName
from tools.services.kube.rollout import DEADLINE_EXCEEDED, Rollout
from tools.services.kube.workloads import Workload

RUNNING = "Running"
_MAX_TOLD = 2
_MAX_MESSAGE_CHARS = 200


def pod_state(pod: Pod, now: datetime) -> ServiceState:
    """The pod as a service of its own."""
    place = pod.metadata
    return state_of(str(ServiceName(place.namespace, POD, place.name)), [pod], now)


def workload_state(
    kind: Kind, workload: Workload, pods: Sequence[Pod], now: datetime
) -> ServiceState:
    """The workload with its pods as a service.

    It is healthy when nothing of its rollout is pending, as many pods as asked for are ready, and
    none of them keeps failing. `Stopped` is one that is scaled to zero: it serves nobody. `since`
    is when the trouble began, or when its newest pod did.
    """
    view = _View(Rollout(kind, workload), [pod for pod in pods if not _is_leaving(pod)], now)
    place = workload.metadata
    return ServiceState(
        name=str(ServiceName(place.namespace, kind, place.name)),
        state=view.word,
        is_healthy=view.word == RUNNING,
        description="; ".join(view.told(len(pods) - len(view.pods))),
        since=view.since,
        exit_status=view.exit_status,
    )


@dataclass(frozen=True, slots=True)
class _View:
    rollout: Rollout
    pods: Sequence[Pod]
    now: datetime

    @property
    def word(self) -> str:
        rollout = self.rollout
        if rollout.workload.metadata.deletion_timestamp is not None:
            return "Terminating"
        if rollout.has_failed:
            return DEADLINE_EXCEEDED
        if rollout.pending:
            return "Paused" if rollout.is_paused else "Progressing"
        if not rollout.desired:
            # No node asks for the pods of such a DaemonSet; nobody has stopped it.
            return RUNNING if rollout.kind == DAEMONSET else "Stopped"
        if self._unwell:
            return self._unwell[0].word
        return RUNNING if rollout.ready >= rollout.desired else "NotReady"

    @property
    def since(self) -> datetime | None:
        ended = self._unwell[0].ended if self._unwell else None
        started = [pod.status.start_time for pod in self.pods if pod.status.start_time]
        return ended.finished_at if ended else max(started, default=None)

    @property
    def exit_status(self) -> int | None:
        ended = self._unwell[0].ended if self._unwell else None
        return ended.exit_code if ended else None

    def told(self, num_leaving: int) -> Iterator[str]:
        rollout = self.rollout
        yield f"{rollout.ready} of {rollout.desired} pods ready"
        if rollout.has_failed:
            yield f"the rollout has failed: {rollout.failure}"
        elif rollout.pending:
            yield f"the rollout {self._stands}: {rollout.pending}"
        if num_leaving:
            yield f"{num_leaving} more ending"
        yield from self._failures()
        yield from (verdict.story for verdict in self._unwell[:_MAX_TOLD])

    @property
    def _stands(self) -> str:
        return "is paused" if self.rollout.is_paused else "goes on"

    def _failures(self) -> Iterator[str]:
        """Why pods could not even be made: a quota, an admission rule."""
        for condition in self.rollout.workload.status.conditions:
            if condition.type == "ReplicaFailure" and condition.status == "True":
                yield printable(condition.message or condition.reason or "", _MAX_MESSAGE_CHARS)

    @property
    def _unwell(self) -> list[PodVerdict]:
        """The pods in trouble, worst first; failed ones only while others are missing for them."""
        verdicts = [PodVerdict(pod, self.now) for pod in self.pods]
        unwell = [verdict for verdict in verdicts if not verdict.is_well]
        if self.rollout.ready >= self.rollout.desired:
            unwell = [verdict for verdict in unwell if verdict.pod.status.phase != "Failed"]
        return sorted(unwell, key=lambda verdict: verdict.rank)


def _is_leaving(pod: Pod) -> bool:
    return pod.metadata.deletion_timestamp is not None
