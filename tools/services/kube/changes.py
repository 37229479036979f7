"""Restarting, scaling and deleting: each found, checked and then ordered under a precondition.

A workload is changed only in the very version that was checked (`resourceVersion`), a pod deleted
only if it is the very one (`uid`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tools.errors import ActionFailed, ActionRefused, BackendUnavailable
from tools.services.control import ServiceAction
from tools.services.kube.makers import check_is_made_anew
from tools.services.kube.names import ServiceName
from tools.services.kube.objects import Objects
from tools.services.kube.orders import OrderingCluster
from tools.services.kube.refusals import Conflict, Refusals
from tools.services.kube.rollout import Rollout
from tools.services.kube.workloads import Workload

_RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
# A controller that keeps writing its status makes a few conflicts, but not one each time.
_MAX_TRIES = 4


@dataclass(frozen=True, slots=True)
class Changes:
    """One action on the service `name`, in a cluster that takes orders."""

    cluster: OrderingCluster
    objects: Objects
    action: ServiceAction
    name: ServiceName

    def restart(self, now: datetime) -> None:
        """Have all pods replaced, a few at a time, by a new annotation of their template.

        This is what `kubectl rollout restart` does.
        """
        stamp = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        template = {"metadata": {"annotations": {_RESTARTED_AT: stamp}}}
        self._change(
            {"template": template},
            self.cluster.patch,
            Refusals(self.action, self.name, "patch", self.name.kind.resource),
            _check_restart,
        )

    def scale(self) -> None:
        """Set how many pods are asked for."""
        self._change(
            {"replicas": self.action.replicas},
            self.cluster.patch_scale,
            Refusals(self.action, self.name, "patch", f"{self.name.kind.resource}/scale"),
            _check_exists,
        )

    def delete(self) -> None:
        """Delete this very pod, if it will be made anew."""
        pod = self.objects.pod(self.name)
        if pod.metadata.deletion_timestamp is not None:
            raise ActionRefused(f"the pod {self.name} is being deleted already", "wait for it")
        if not pod.metadata.uid:
            raise BackendUnavailable(f"the API server gives no uid for {self.name}")
        check_is_made_anew(self.cluster, pod, self.objects.watch)
        refusals = Refusals(self.action, self.name, "delete", self.name.kind.resource)
        with refusals.mapped():
            self.cluster.delete(self.name.path, pod.metadata.uid)

    def _change(
        self,
        spec: Mapping[str, Any],
        send: Callable[[str, Mapping[str, Any]], None],
        refusals: Refusals,
        check: Callable[[Rollout, ServiceName], None],
    ) -> None:
        """Send the change of the spec; after a conflict, which changed nothing, look again."""
        for _ in range(_MAX_TRIES):
            workload = self.objects.workload(self.name)
            check(Rollout(self.name.kind, workload), self.name)
            with suppress(Conflict), refusals.mapped():
                return send(self.name.path, _in_this_version(workload, spec))
        raise ActionFailed(
            f"kubernetes did not {self.action.verb} {self.name}: it was changed by others each "
            f"time, {_MAX_TRIES} times",
            "see who keeps changing it",
        )


def _in_this_version(workload: Workload, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": workload.metadata.resource_version}, "spec": spec}


def _check_exists(rollout: Rollout, name: ServiceName) -> None:
    if rollout.workload.metadata.deletion_timestamp is not None:
        raise ActionRefused(f"{name} is being deleted")


def _check_restart(rollout: Rollout, name: ServiceName) -> None:
    _check_exists(rollout, name)
    target = f"{name.kind.word}/{name.name} -n {name.namespace}"
    if rollout.is_paused:
        raise ActionRefused(
            f"{name} is paused, so that a restart would do nothing yet",
            f"resume it first: kubectl rollout resume {target}",
        )
    if rollout.is_manual:
        raise ActionRefused(
            f"{name} replaces a pod only when it is deleted (OnDelete)",
            "delete its pods one by one",
        )
