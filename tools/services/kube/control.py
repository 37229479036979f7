"""Kubernetes as a service manager that can act: rollout restarts, scaling, deleting single pods.

What it leaves to others: finding objects (`tools.services.kube.objects`), their states in words
(`tools.services.kube.states`), carrying a change out (`tools.services.kube.changes`), and whether
one may take place (`tools.services.permits`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tools.errors import InvalidQuery
from tools.logs.sources.kube_cluster import KubernetesTarget, open_cluster, opened
from tools.logs.sources.watch import FetchLimits, FetchWatch
from tools.scope import ServiceState
from tools.services.control import MAX_REPLICAS, ServiceAction, Verb
from tools.services.kube.changes import Changes
from tools.services.kube.names import (
    DAEMONSET,
    DEPLOYMENT,
    POD,
    STATEFULSET,
    Kind,
    ServiceName,
    unknown,
)
from tools.services.kube.objects import Objects
from tools.services.kube.orders import OrderingCluster
from tools.services.kube.pod_logs import pods_tail
from tools.services.kube.rollout import Rollout
from tools.services.kube.states import pod_state, workload_state
from tools.services.orders import until_sent

_log = logging.getLogger(__name__)
_LIMITS = FetchLimits(timeout_s=10.0)
_ACT_LIMITS = FetchLimits(timeout_s=60.0)
_TAIL_LIMITS = FetchLimits(timeout_s=10.0, max_total_bytes=64 << 20)
_VERBS_OF: Mapping[Kind, tuple[Verb, ...]] = {
    DEPLOYMENT: ("restart", "scale"),
    STATEFULSET: ("restart", "scale"),
    DAEMONSET: ("restart",),
    POD: ("delete",),
}


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class KubernetesControl:
    """The Deployments, StatefulSets, DaemonSets and pods of `target` as services.

    They are called `namespace/kind/name`. Only what the selector of `target` fits is known.
    """

    target: KubernetesTarget
    clock: Callable[[], datetime] = _now
    name: str = field(default="kubernetes", init=False)
    verbs: frozenset[Verb] = field(default=frozenset({"restart", "scale", "delete"}), init=False)

    def list_services(self) -> list[ServiceState]:
        """All workloads, then all pods, each by namespace. Raises BackendUnavailable."""
        watch = FetchWatch(_LIMITS)
        with open_cluster(self.target, watch) as cluster:
            found = Objects(cluster, self.target, watch).all()
        for note in found.notes:
            _log.warning("kubernetes: %s", note)
        now = self.clock()
        workloads = [
            workload_state(kind, workload, found.pods_of(kind, workload), now)
            for kind, workload in found.workloads
        ]
        return [*workloads, *(pod_state(pod, now) for pod in found.pods)]

    def state(self, service: str) -> ServiceState:
        """The service now. Raises UnknownService or BackendUnavailable."""
        name = ServiceName.parse(service)
        watch = FetchWatch(_LIMITS)
        with open_cluster(self.target, watch) as cluster:
            objects = Objects(cluster, self.target, watch)
            if name.kind == POD:
                return pod_state(objects.pod(name), self.clock())
            workload = objects.workload(name)
            pods = objects.pods_of(name, workload)
        return workload_state(name.kind, workload, pods, self.clock())

    def replicas(self, service: str) -> int:
        """How many pods a workload asks for. Raises UnknownService or BackendUnavailable."""
        name = ServiceName.parse(service)
        if name.kind == POD:
            raise unknown(service)
        watch = FetchWatch(_LIMITS)
        with open_cluster(self.target, watch) as cluster:
            return Rollout(name.kind, Objects(cluster, self.target, watch).workload(name)).desired

    def act(self, action: ServiceAction) -> None:
        """Give the order; returns when the API server has taken it, not when pods are ready.

        Raises UnknownService, ActionRefused when it would do harm or nothing, ActionFailed when the
        cluster refused or got no order, Unconfirmed when it did not answer one, and InvalidQuery
        for a verb that is not for this kind.
        """
        name = ServiceName.parse(action.service)
        self._check(action, name)
        watch = FetchWatch(_ACT_LIMITS)
        with until_sent(action), opened(OrderingCluster, self.target, watch) as cluster:
            changes = Changes(cluster, Objects(cluster, self.target, watch), action, name)
            match action.verb:
                case "restart":
                    changes.restart(self.clock())
                case "scale":
                    changes.scale()
                case "delete":
                    changes.delete()

    def log_tail(self, service: str, max_lines: int) -> tuple[str, ...]:
        """The newest lines of its containers, each after its time stamp, by time, oldest first.

        Where there are several containers, a line begins with `[pod/container] `, as kubectl has
        it. Raises UnknownService or BackendUnavailable.
        """
        name = ServiceName.parse(service)
        watch = FetchWatch(_TAIL_LIMITS)
        with open_cluster(self.target, watch) as cluster:
            objects = Objects(cluster, self.target, watch)
            if name.kind == POD:
                pods = [objects.pod(name)]
            else:
                pods = objects.pods_of(name, objects.workload(name))
            return pods_tail(cluster, pods, max_lines, watch)

    def _check(self, action: ServiceAction, name: ServiceName) -> None:
        verbs = _VERBS_OF[name.kind]
        if action.backend != self.name or action.verb not in verbs:
            raise InvalidQuery(
                f"{action.verb} is nothing that {self.name} does with a {name.kind.word}",
                f"it knows {', '.join(verbs)} there",
            )
        has_number = action.replicas is not None and 0 <= action.replicas <= MAX_REPLICAS
        if action.verb == "scale" and not has_number:
            raise InvalidQuery(f"scale takes a number of replicas from 0 to {MAX_REPLICAS}")
