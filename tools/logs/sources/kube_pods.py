"""Pods as the API server describes them (Kubernetes API, core/v1), as far as they are used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from tools.logs.sources.kube_cluster import Cluster, KubernetesTarget
from tools.logs.sources.kube_lists import list_items
from tools.logs.sources.moments import Moment
from tools.logs.sources.watch import FetchWatch

# Kubernetes' own rule for names; what is no name must not become part of a path.
NAME = r"^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$"


class KubeModel(BaseModel):
    """A part of an answer: fields in camel case, unknown ones ignored."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, fields: Any) -> Any:
        """The API writes null for what is not there, lists included."""
        if not isinstance(fields, dict):
            return fields
        return {key: value for key, value in fields.items() if value is not None}


class Waiting(KubeModel):
    """Why a container does not run yet, or not any more."""

    reason: str | None = None
    message: str | None = None


class Running(KubeModel):
    """Since when a container runs."""

    started_at: Moment | None = None


class Terminated(KubeModel):
    """How a container ended."""

    reason: str | None = None
    message: str | None = None
    exit_code: int
    started_at: Moment | None = None
    finished_at: Moment | None = None


class ContainerState(KubeModel):
    """The state of a container: one of the three, or nothing known."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(KubeModel):
    """A container of a pod. `last_state` is how its run before this one ended."""

    name: str = Field(pattern=NAME)
    ready: bool = False
    restart_count: int = 0
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()

    @property
    def has_begun(self) -> bool:
        """Whether there is a log of the present run."""
        return self.state.running is not None or self.state.terminated is not None

    @property
    def ended(self) -> Terminated | None:
        """How its last finished run ended, if one has."""
        return self.state.terminated or self.last_state.terminated


class Condition(KubeModel):
    """One of a pod's conditions (`PodScheduled`, `Ready`, …)."""

    type: str
    status: str
    reason: str | None = None
    message: str | None = None


class PodStatus(KubeModel):
    """What has become of a pod."""

    phase: str = "Unknown"
    reason: str | None = None
    message: str | None = None
    start_time: Moment | None = None
    conditions: tuple[Condition, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()


class Owner(KubeModel):
    """What made a pod, and makes it anew."""

    api_version: str = ""
    kind: str
    name: str
    uid: str = ""
    controller: bool = False


class Metadata(KubeModel):
    """Name and descent of a pod."""

    name: str = Field(pattern=NAME)
    namespace: str = Field(pattern=NAME)
    uid: str = ""
    labels: dict[str, str] = {}
    owner_references: tuple[Owner, ...] = ()
    deletion_timestamp: Moment | None = None

    @property
    def controller(self) -> Owner | None:
        """What made the pod, if anything did."""
        return next((owner for owner in self.owner_references if owner.controller), None)


class Pod(KubeModel):
    """A pod."""

    metadata: Metadata
    status: PodStatus = PodStatus()

    @property
    def containers(self) -> tuple[ContainerStatus, ...]:
        """Its containers, and those of its preparation that did not simply succeed."""
        first = [status for status in self.status.init_container_statuses if not _succeeded(status)]
        return (*first, *self.status.container_statuses)

    @property
    def has_finished(self) -> bool:
        """Whether it did what it was made for."""
        return self.status.phase == "Succeeded"

    @property
    def is_ready(self) -> bool:
        """Whether all of its containers run and answer their probes."""
        statuses = self.status.container_statuses
        return self.status.phase == "Running" and all(status.ready for status in statuses)


@dataclass(frozen=True, slots=True)
class PodContainer:
    """A container of a pod, and where its logs are."""

    pod: Pod
    status: ContainerStatus

    @property
    def name(self) -> str:
        """`namespace/pod/container`."""
        place = self.pod.metadata
        return f"{place.namespace}/{place.name}/{self.status.name}"

    @property
    def log_path(self) -> str:
        """Where the API has its logs."""
        place = self.pod.metadata
        return f"/api/v1/namespaces/{place.namespace}/pods/{place.name}/log"

    def runs(self) -> Iterator[dict[str, str]]:
        """What to ask there for the log of the run before this one and for that of this run."""
        query = {"container": self.status.name, "timestamps": "true"}
        if self.status.last_state.terminated:
            yield {**query, "previous": "true"}
        if self.status.has_begun:
            yield query

    def is_calm(self) -> bool:
        """Whether nothing of it asks to be looked at first."""
        has_succeeded = self.pod.has_finished
        return (self.status.ready or has_succeeded) and not self.status.restart_count


@dataclass(frozen=True, slots=True)
class Pods:
    """The pods of a target, and notes on those that are missing."""

    found: tuple[Pod, ...]
    notes: tuple[str, ...]


def read_pods(cluster: Cluster, target: KubernetesTarget, watch: FetchWatch) -> Pods:
    """The pods of all namespaces. Raises BackendUnavailable when none of them can be listed."""
    query = {"labelSelector": target.selector} if target.selector else {}
    listing = list_items(cluster, target.namespaces, "pods", query, watch)
    pods, broken = [], 0
    for item in listing.items:
        try:
            pods.append(Pod.model_validate(item))
        except ValidationError:
            broken += 1
    odd = [f"{broken} pods were left out: their description is not understood"] if broken else []
    return Pods(tuple(pods), (*listing.notes, *odd))


def _succeeded(status: ContainerStatus) -> bool:
    ended = status.state.terminated
    return ended is not None and ended.exit_code == 0
