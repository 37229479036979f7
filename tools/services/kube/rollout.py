"""How far a rollout has come, by the rules of `kubectl rollout status` (Kubernetes documentation).

Apart from those: a workload that was rolled out and lost pods since is not "rolling out" again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tools.logs.sources.kube_pods import Condition
from tools.logs.sources.names import printable
from tools.services.kube.names import DAEMONSET, DEPLOYMENT, STATEFULSET, Kind
from tools.services.kube.workloads import Workload

DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
_ROLLED_OUT = "NewReplicaSetAvailable"
_MAX_MESSAGE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Rollout:
    """The counts of a workload's pods, and what they say about its rollout."""

    kind: Kind
    workload: Workload

    @property
    def desired(self) -> int:
        """How many pods are asked for."""
        if self.kind == DAEMONSET:
            return self.workload.status.desired_number_scheduled
        return self.workload.spec.replicas

    @property
    def ready(self) -> int:
        """How many pods are ready, old ones included."""
        status = self.workload.status
        return status.number_ready if self.kind == DAEMONSET else status.ready_replicas

    @property
    def has_failed(self) -> bool:
        """Whether its controller has given up waiting for it (Deployments)."""
        progress = self._progress
        has_given_up = progress is not None and progress.reason == DEADLINE_EXCEEDED
        # Until a change is taken up, its controller speaks of the one before.
        return has_given_up and self._is_observed

    @property
    def is_paused(self) -> bool:
        """Whether changes wait until somebody resumes it (Deployments)."""
        return self.workload.spec.paused

    @property
    def is_manual(self) -> bool:
        """Whether a pod is only replaced when somebody deletes it."""
        return self.workload.spec.update_strategy.type == "OnDelete"

    @property
    def pending(self) -> str:
        """What the rollout still waits for, in words; empty when it is done."""
        return next(self._waits(), "")

    @property
    def failure(self) -> str:
        """What its controller says about a rollout that has failed."""
        progress = self._progress
        said = progress.message if progress is not None and progress.message else ""
        return printable(said or "its progress deadline was exceeded", _MAX_MESSAGE_CHARS)

    @property
    def _is_observed(self) -> bool:
        return self.workload.status.observed_generation >= self.workload.metadata.generation

    @property
    def _progress(self) -> Condition | None:
        conditions = self.workload.status.conditions
        return next((found for found in conditions if found.type == "Progressing"), None)

    def _waits(self) -> Iterator[str]:
        if not self._is_observed:
            yield "the change has not been taken up yet"
        if self.kind == DEPLOYMENT:
            yield from self._waits_of_deployment()
        elif self.kind == STATEFULSET:
            yield from self._waits_of_stateful_set()
        elif not self.is_manual:
            yield from self._updated_of(self.workload.status.updated_number_scheduled, self.desired)

    def _waits_of_deployment(self) -> Iterator[str]:
        status = self.workload.status
        yield from self._updated_of(status.updated_replicas, self.desired)
        if status.replicas > self.desired:
            yield f"{status.replicas - self.desired} pods more than asked for have not ended"
        progress = self._progress
        is_over = progress is None or progress.reason == _ROLLED_OUT
        if status.available_replicas < status.updated_replicas and not is_over:
            yield f"{status.available_replicas} of {status.updated_replicas} new pods are available"

    def _waits_of_stateful_set(self) -> Iterator[str]:
        status = self.workload.status
        if status.replicas != self.desired:
            yield f"there are {status.replicas} pods, {self.desired} are asked for"
        if self.is_manual or status.current_revision == status.update_revision:
            return
        partition = self.workload.spec.update_strategy.rolling_update.partition
        if partition:
            yield from self._updated_of(status.updated_replicas, self.desired - partition)
        else:
            yield f"{status.updated_replicas} of {self.desired} pods have been updated"

    def _updated_of(self, updated: int, desired: int) -> Iterator[str]:
        if updated < desired:
            yield f"{updated} of {desired} pods have been updated"
