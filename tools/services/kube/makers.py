"""Whether a pod that is deleted will be made anew: only what certainly does so counts."""

from __future__ import annotations

from tools.errors import ActionRefused
from tools.logs.sources.kube_cluster import Cluster
from tools.logs.sources.kube_pods import Owner, Pod
from tools.logs.sources.watch import FetchWatch
from tools.services.kube.names import DAEMONSET, STATEFULSET, Kind, ServiceName, is_object_name
from tools.services.kube.objects import find
from tools.services.kube.workloads import Workload

_REPLICASET = Kind("replicaset", "ReplicaSet", STATEFULSET.api, "replicasets")
_REPLICATION_CONTROLLER = Kind(
    "replicationcontroller", "ReplicationController", "/api/v1", "replicationcontrollers"
)
# By version and kind as an owner reference names them: others use the same kinds for their own. A
# Job is not here, because whether it replaces a pod depends on how far it has come.
_MAKERS = {
    ("apps/v1", "ReplicaSet"): _REPLICASET,
    ("apps/v1", "StatefulSet"): STATEFULSET,
    ("apps/v1", "DaemonSet"): DAEMONSET,
    ("v1", "ReplicationController"): _REPLICATION_CONTROLLER,
}


def check_is_made_anew(cluster: Cluster, pod: Pod, watch: FetchWatch) -> None:
    """Raise ActionRefused unless the pod's maker is there and asks for pods.

    Raises BackendUnavailable when that cannot be found out.
    """
    owner = pod.metadata.controller
    kind = _MAKERS.get((owner.api_version, owner.kind)) if owner else None
    if owner is None or kind is None or not is_object_name(owner.name):
        raise _refused(pod, "nothing that is known to do so would make it anew")
    name = ServiceName(pod.metadata.namespace, kind, owner.name)
    maker = find(cluster, name, "", Workload, watch)
    if maker is None or not _is_same(maker, owner):
        raise _refused(pod, f"its {kind.title} {owner.name} is gone")
    if maker.metadata.deletion_timestamp is not None:
        raise _refused(pod, f"its {kind.title} {owner.name} is being deleted")
    if not maker.spec.replicas:
        raise _refused(pod, f"its {kind.title} {owner.name} asks for no pods any more")


def _is_same(maker: Workload, owner: Owner) -> bool:
    return bool(owner.uid) and maker.metadata.uid == owner.uid


def _refused(pod: Pod, why: str) -> ActionRefused:
    place = pod.metadata
    return ActionRefused(
        f"the pod {place.namespace}/{place.name} is not deleted: {why}",
        "delete it by hand if it shall be gone for good",
    )
