"""The workloads and pods of a cluster, found by exact name in the API server's own lists.

Nothing is ever asked for by a name that came from elsewhere and stands in no list.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from pydantic import ValidationError

from tools.errors import BackendUnavailable
from tools.logs.sources.kube_cluster import Cluster, KubernetesTarget
from tools.logs.sources.kube_lists import list_items
from tools.logs.sources.kube_pods import KubeModel, Pod
from tools.logs.sources.kube_states import workload_of
from tools.logs.sources.watch import FetchWatch
from tools.services.kube.names import POD, WORKLOADS, Kind, ServiceName, unknown
from tools.services.kube.workloads import Workload

_Model = TypeVar("_Model", bound=KubeModel)


@dataclass(frozen=True, slots=True)
class Inventory:
    """All workloads with their kinds, all pods, and notes on what is missing."""

    workloads: tuple[tuple[Kind, Workload], ...]
    pods: tuple[Pod, ...]
    notes: tuple[str, ...]

    def pods_of(self, kind: Kind, workload: Workload) -> list[Pod]:
        """The pods that the workload has made."""
        return _made_by(kind, workload, self.pods)


@dataclass(frozen=True, slots=True)
class _Part(Generic[_Model]):
    """The objects of one kind, notes on those that are missing, and why, where all of them are."""

    items: tuple[_Model, ...]
    notes: tuple[str, ...] = ()
    failure: BackendUnavailable | None = None


@dataclass(frozen=True, slots=True)
class Objects:
    """What `target` fits in the cluster: only its namespaces, only what its selector selects."""

    cluster: Cluster
    target: KubernetesTarget
    watch: FetchWatch

    def all(self) -> Inventory:
        """Everything. Raises BackendUnavailable when no kind of object can be listed."""
        workloads = [(kind, self._try(kind, Workload)) for kind in WORKLOADS]
        pods = self._try(POD, Pod)
        notes = [*pods.notes, *(note for _, part in workloads for note in part.notes)]
        failures = [part.failure for _, part in workloads if part.failure]
        if pods.failure and len(failures) == len(workloads):
            raise failures[0]
        found = [(kind, workload) for kind, part in workloads for workload in part.items]
        return Inventory(tuple(found), pods.items, tuple(notes))

    def workload(self, name: ServiceName) -> Workload:
        """The workload of this name. Raises UnknownService or BackendUnavailable."""
        return self._one(name, Workload)

    def pod(self, name: ServiceName) -> Pod:
        """The pod of this name. Raises UnknownService or BackendUnavailable."""
        return self._one(name, Pod)

    def pods_of(self, name: ServiceName, workload: Workload) -> list[Pod]:
        """The pods that the workload of this name has made. Raises BackendUnavailable."""
        narrowed = _joined(self.target.selector, str(workload.spec.selector))
        objects = replace(
            self, target=replace(self.target, namespaces=(name.namespace,), selector=narrowed)
        )
        return _made_by(name.kind, workload, objects._list(POD, Pod).items)

    def _one(self, name: ServiceName, model: type[_Model]) -> _Model:
        if name.namespace not in self.target.namespaces:
            raise unknown(str(name))
        found = find(self.cluster, name, self.target.selector, model, self.watch)
        if found is None:
            raise unknown(str(name))
        return found

    def _try(self, kind: Kind, model: type[_Model]) -> _Part[_Model]:
        try:
            return self._list(kind, model)
        except BackendUnavailable as error:
            return _Part((), (f"{error.message}; {error.hint}",), error)

    def _list(self, kind: Kind, model: type[_Model]) -> _Part[_Model]:
        query = {"labelSelector": self.target.selector} if self.target.selector else {}
        listing = list_items(
            self.cluster, self.target.namespaces, kind.plural, query, self.watch, kind.api
        )
        read = [_read(item, model) for item in listing.items]
        odd = [f"{read.count(None)} {kind.plural} are not understood"] if None in read else []
        items = tuple(one for one in read if one is not None)
        return _Part(items, (*listing.notes, *odd))


def find(
    cluster: Cluster, name: ServiceName, selector: str, model: type[_Model], watch: FetchWatch
) -> _Model | None:
    """The one object of this kind and name; None when the list has none.

    Raises BackendUnavailable when it cannot be listed, or is not described as one.
    """
    query = {"fieldSelector": f"metadata.name={name.name}"}
    if selector:
        query["labelSelector"] = selector
    listing = list_items(cluster, [name.namespace], name.kind.plural, query, watch, name.kind.api)
    if not listing.items:
        return None
    found = _read(listing.items[0], model)
    if found is None or len(listing.items) > 1 or not _is_named(listing.items[0], name):
        raise BackendUnavailable(
            f"the API server does not describe {name} as one", "check [kubernetes] context"
        )
    return found


def _read(item: object, model: type[_Model]) -> _Model | None:
    try:
        return model.model_validate(item)
    except ValidationError:
        return None


def _is_named(item: dict[str, dict[str, object]], name: ServiceName) -> bool:
    metadata = item["metadata"]
    return (metadata["namespace"], metadata["name"]) == (name.namespace, name.name)


def _made_by(kind: Kind, workload: Workload, pods: Iterable[Pod]) -> list[Pod]:
    place = workload.metadata
    maker = (place.namespace, place.name, kind.title)
    return [pod for pod in pods if workload_of(pod) == maker]


def _joined(*selectors: str) -> str:
    return ",".join(selector for selector in selectors if selector)
