"""Deployments, StatefulSets and DaemonSets as the API server describes them (apps/v1).

As far as they are used; how far a rollout has come is left to `tools.services.kube.rollout`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from tools.logs.sources.kube_pods import NAME, Condition, KubeModel
from tools.logs.sources.moments import Moment


class WorkloadMetadata(KubeModel):
    """Name and version of a workload; the version changes with each change of the object."""

    name: str = Field(pattern=NAME)
    namespace: str = Field(pattern=NAME)
    uid: str = ""
    resource_version: str = Field(min_length=1)
    generation: int = 0
    deletion_timestamp: Moment | None = None


class Requirement(KubeModel):
    """One condition on the labels of pods."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        match self.operator:
            case "Exists":
                return self.key
            case "DoesNotExist":
                return f"!{self.key}"
        return f"{self.key} {self.operator.lower()} ({','.join(self.values)})"


class Selector(KubeModel):
    """Which pods may be the workload's; its text is what a list of pods takes."""

    match_labels: dict[str, str] = Field(default_factory=dict)
    match_expressions: tuple[Requirement, ...] = ()

    def __str__(self) -> str:
        return ",".join(self._parts())

    def _parts(self) -> Iterator[str]:
        for key, value in self.match_labels.items():
            yield f"{key}={value}"
        yield from map(str, self.match_expressions)


class RollingUpdate(KubeModel):
    """Pods with a lower number than `partition` are left as they are (StatefulSets)."""

    partition: int = 0


class Strategy(KubeModel):
    """How new pods replace the old ones; with `OnDelete` only when somebody deletes those."""

    type: str = ""
    rolling_update: RollingUpdate = RollingUpdate()


class WorkloadSpec(KubeModel):
    """What is asked for. A Deployment's strategy has another name, and is never `OnDelete`."""

    replicas: int = 1
    paused: bool = False
    selector: Selector = Selector()
    update_strategy: Strategy = Strategy()


class WorkloadStatus(KubeModel):
    """What there is: the fields of all three kinds; those of other kinds keep their defaults."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""
    desired_number_scheduled: int = 0
    updated_number_scheduled: int = 0
    number_ready: int = 0
    conditions: tuple[Condition, ...] = ()


class Workload(KubeModel):
    """A Deployment, StatefulSet or DaemonSet."""

    metadata: WorkloadMetadata
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()
