from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tools.errors import BackendUnavailable
from tools.logs.sources.kube_cluster import KubernetesTarget
from tools.logs.sources.kube_pods import Pod
from tools.logs.sources.kube_states import KubernetesBackend, states_of
from tools.scope import ServiceState

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUNNING = {"running": {"startedAt": "2026-03-01T11:00:00Z"}}
FRESH = {"running": {"startedAt": "2026-03-01T11:58:00Z"}}
KILLED = {
    "terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-03-01T11:57:00Z"}
}
BACKOFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}}


def container(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "app", "ready": "running" in state, "restartCount": 0, "state": state} | more


def pod(
    name: str,
    *containers: dict[str, Any],
    owner: tuple[str, str] = ("StatefulSet", "web"),
    labels: dict[str, str] | None = None,
    meta: dict[str, Any] | None = None,
    **status: Any,
) -> Pod:
    reference = {"kind": owner[0], "name": owner[1], "controller": True}
    named = {"name": name, "namespace": "shop", "labels": labels, "ownerReferences": [reference]}
    described = {"phase": "Running", "startTime": "2026-03-01T10:00:00Z"} | status
    described["containerStatuses"] = list(containers)
    return Pod.model_validate({"metadata": named | (meta or {}), "status": described})


def only(*pods: Pod) -> ServiceState:
    (service,) = states_of(pods, NOW)
    return service


@pytest.mark.parametrize(
    ("pods", "state", "is_healthy", "description"),
    [
        ([pod("web-0", container(RUNNING))], "Running", True, "1 of 1 pods ready"),
        (
            [pod("web-0", container(BACKOFF, restartCount=14, lastState=KILLED))],
            "CrashLoopBackOff",
            False,
            "0 of 1 pods ready, 14 restarts; web-0: CrashLoopBackOff, container app waits: "
            "CrashLoopBackOff (back-off 5m0s), before that it ended with status 137 (OOMKilled) "
            "at 2026-03-01 11:57:00 UTC, 14 restarts",
        ),
        (
            [
                pod("web-0", container(RUNNING)),
                pod("web-1", container({"waiting": {"reason": "ImagePullBackOff"}})),
            ],
            "ImagePullBackOff",
            False,
            "1 of 2 pods ready; web-1: ImagePullBackOff, container app waits: ImagePullBackOff",
        ),
        (
            [pod("web-0", container(FRESH, restartCount=5, lastState=KILLED))],
            "NotReady",
            False,
            "container app runs since 2026-03-01 11:58:00 UTC, before that it ended",
        ),
        ([pod("web-0", container(RUNNING, restartCount=5, lastState=KILLED))], "Running", True, ""),
        (
            [pod("web-0", container(RUNNING, ready=False))],
            "NotReady",
            False,
            "0 of 1 pods ready; web-0: NotReady, container app runs since "
            "2026-03-01 11:00:00 UTC and is not ready",
        ),
        (
            [
                pod(
                    "web-0",
                    phase="Pending",
                    conditions=[
                        {
                            "type": "PodScheduled",
                            "status": "False",
                            "reason": "Unschedulable",
                            "message": "0/3 nodes are available: 3 Insufficient memory.",
                        }
                    ],
                )
            ],
            "Unschedulable",
            False,
            "web-0: Unschedulable, 0/3 nodes are available: 3 Insufficient memory.",
        ),
        ([pod("web-0", phase="Pending")], "Pending", False, "0 of 1 pods ready; web-0: Pending"),
        (
            [pod("web-0", container(RUNNING), meta={"deletionTimestamp": "2026-03-01T11:59:00Z"})],
            "Terminating",
            False,
            "web-0: Terminating",
        ),
        (
            [
                pod("web-0", container(RUNNING)),
                pod("web-1", phase="Failed", reason="Evicted", message="The node was low on\ndisk"),
            ],
            "Running",
            True,
            "1 of 2 pods ready; web-1: Evicted, The node was low on disk",
        ),
        ([pod("web-1", phase="Failed", reason="Evicted")], "Evicted", False, "0 of 1 pods ready"),
        (
            [pod("job-1", container({"terminated": {"exitCode": 0}}), phase="Succeeded")],
            "Completed",
            True,
            "1 finished",
        ),
        (
            [pod("job-1", container(KILLED), phase="Failed")],
            "Failed",
            False,
            "job-1: Failed, container app ended with status 137 (OOMKilled) at "
            "2026-03-01 11:57:00 UTC",
        ),
        ([pod("web-0", phase="Unknown")], "Unknown", False, "0 of 1 pods ready"),
    ],
)
def test_each_state_in_words(
    pods: list[Pod], state: str, is_healthy: bool, description: str
) -> None:
    service = only(*pods)
    assert (service.name, service.state, service.is_healthy) == ("shop/web", state, is_healthy)
    assert description in service.description


def test_exit_status_and_time_are_those_of_the_trouble() -> None:
    crashed = only(
        pod("web-0", container(RUNNING)),
        pod("web-1", container(BACKOFF, restartCount=3, lastState=KILLED)),
    )
    assert crashed.exit_status == 137
    assert crashed.since == datetime(2026, 3, 1, 11, 57, tzinfo=UTC)
    calm = only(pod("web-0", container(RUNNING, restartCount=1, lastState=KILLED)))
    assert (calm.exit_status, calm.since) == (None, datetime(2026, 3, 1, 10, tzinfo=UTC))


def test_what_failed_is_told_before_what_is_only_starting() -> None:
    starting = pod("a-0", container({"waiting": {"reason": "ContainerCreating"}}), phase="Pending")
    crashed = pod("b-0", container(BACKOFF, restartCount=3, lastState=KILLED))
    assert only(starting, crashed).state == "CrashLoopBackOff"


def test_pods_are_grouped_by_what_made_them() -> None:
    labels = {"pod-template-hash": "7f9f"}
    services = states_of(
        [
            pod("web-7f9f-a", owner=("ReplicaSet", "web-7f9f"), labels=labels),
            pod(
                "web-8c8c-b", owner=("ReplicaSet", "web-8c8c"), labels={"pod-template-hash": "8c8c"}
            ),
            pod("db-0", owner=("StatefulSet", "db")),
            pod("db-x", owner=("DaemonSet", "db")),
            pod("alone", owner=("x", "y"), meta={"ownerReferences": None}),
        ],
        NOW,
    )
    assert [service.name for service in services] == [
        "shop/alone",
        "shop/db",
        "shop/db (2)",
        "shop/web",
    ]
    assert "of 2 pods ready" in services[-1].description


def test_the_pods_of_the_cluster_are_services(kubernetes: Any, kubeconfig: Path) -> None:
    described = {
        "metadata": {"name": "web-0", "namespace": "shop"},
        "status": {"phase": "Running", "containerStatuses": [container(RUNNING)]},
    }
    kubernetes.json("/api/v1/namespaces/shop/pods", {"items": [described]})
    target = KubernetesTarget(("shop",), selector="app=web", kubeconfig=kubeconfig)
    (service,) = KubernetesBackend(target).list_services()
    assert (service.name, service.state, service.is_healthy) == ("shop/web-0", "Running", True)
    (request,) = kubernetes.requests
    assert (request.method, request.query["labelSelector"]) == ("GET", "app=web")


def test_without_a_cluster_the_states_are_unknown(tmp_path: Path) -> None:
    target = KubernetesTarget(("shop",), kubeconfig=tmp_path / "none")
    with pytest.raises(BackendUnavailable):
        KubernetesBackend(target).list_services()
