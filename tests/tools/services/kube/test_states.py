from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tools.logs.sources.kube_pods import Pod
from tools.scope import ServiceState
from tools.services.kube.names import DAEMONSET, DEPLOYMENT, STATEFULSET, Kind
from tools.services.kube.states import pod_state, workload_state
from tools.services.kube.workloads import Workload

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DONE = "NewReplicaSetAvailable"
GOING_ON = "ReplicaSetUpdated"
RUNNING = {"running": {"startedAt": "2026-03-01T11:00:00Z"}}
BACKOFF = {"waiting": {"reason": "CrashLoopBackOff"}}
KILLED = {
    "terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-03-01T11:57:00Z"}
}


def workload(
    spec: dict[str, Any], status: dict[str, Any], observed: int = 3, **meta: Any
) -> Workload:
    named = {"name": "web", "namespace": "shop", "resourceVersion": "7", "generation": 3}
    return Workload.model_validate(
        {
            "metadata": named | meta,
            "spec": spec,
            "status": {"observedGeneration": observed} | status,
        }
    )


def pod(
    name: str, state: dict[str, Any] = RUNNING, start: str = "10:00", meta: Any = (), **status: Any
) -> Pod:
    container = {"name": "app", "ready": state is RUNNING, "restartCount": 0, "state": state}
    container |= {"lastState": KILLED} if state is BACKOFF else {}
    described = {"phase": "Running", "startTime": f"2026-03-01T{start}:00Z"} | status
    return Pod.model_validate(
        {
            "metadata": {"name": name, "namespace": "shop"} | dict(meta),
            "status": described | {"containerStatuses": [container]},
        }
    )


def counts(
    total: int, updated: int, ready: int, reason: str = DONE, message: str = ""
) -> dict[str, Any]:
    progress = {"type": "Progressing", "status": "True", "reason": reason, "message": message}
    return {
        "replicas": total,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "conditions": [progress],
    }


def revisions(current: str, update: str, total: int, updated: int, ready: int) -> dict[str, Any]:
    return {
        "currentRevision": current,
        "updateRevision": update,
        "replicas": total,
        "updatedReplicas": updated,
        "readyReplicas": ready,
    }


def nodes(desired: int, updated: int, ready: int) -> dict[str, Any]:
    return {
        "desiredNumberScheduled": desired,
        "updatedNumberScheduled": updated,
        "numberReady": ready,
    }


LATE = "ProgressDeadlineExceeded"
ON_DELETE = {"updateStrategy": {"type": "OnDelete"}}
PARTITION = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}}


@pytest.mark.parametrize(
    ("kind", "spec", "status", "state", "description"),
    [
        (DEPLOYMENT, {"replicas": 3}, counts(3, 3, 3), "Running", "3 of 3 pods ready"),
        (
            DEPLOYMENT,
            {"replicas": 3},
            counts(4, 1, 3, GOING_ON),
            "Progressing",
            "3 of 3 pods ready; the rollout goes on: 1 of 3 pods have been updated",
        ),
        (
            DEPLOYMENT,
            {"replicas": 3},
            counts(4, 3, 3, GOING_ON),
            "Progressing",
            "3 of 3 pods ready; the rollout goes on: 1 pods more than asked for have not ended",
        ),
        (
            DEPLOYMENT,
            {"replicas": 3},
            counts(3, 3, 2, GOING_ON),
            "Progressing",
            "2 of 3 pods ready; the rollout goes on: 2 of 3 new pods are available",
        ),
        (DEPLOYMENT, {"replicas": 3}, counts(3, 3, 2), "NotReady", "2 of 3 pods ready"),
        (
            DEPLOYMENT,
            {"replicas": 3},
            counts(4, 1, 3, LATE, 'ReplicaSet "web-2"\nhas timed out'),
            LATE,
            '3 of 3 pods ready; the rollout has failed: ReplicaSet "web-2" has timed out',
        ),
        (
            DEPLOYMENT,
            {"replicas": 3},
            counts(4, 1, 3, LATE),
            LATE,
            "3 of 3 pods ready; the rollout has failed: its progress deadline was exceeded",
        ),
        (
            DEPLOYMENT,
            {"replicas": 3, "paused": True},
            counts(4, 1, 3, "DeploymentPaused"),
            "Paused",
            "3 of 3 pods ready; the rollout is paused: 1 of 3 pods have been updated",
        ),
        (
            DEPLOYMENT,
            {"replicas": 3, "paused": True},
            counts(3, 3, 3, "DeploymentPaused"),
            "Running",
            "3 of 3 pods ready",
        ),
        (DEPLOYMENT, {"replicas": 0}, counts(0, 0, 0), "Stopped", "0 of 0 pods ready"),
        (
            DEPLOYMENT,
            {"replicas": 0},
            counts(2, 2, 2),
            "Progressing",
            "2 of 0 pods ready; the rollout goes on: 2 pods more than asked for have not ended",
        ),
        (DEPLOYMENT, {}, counts(1, 1, 1), "Running", "1 of 1 pods ready"),
        (
            STATEFULSET,
            {"replicas": 2},
            revisions("a", "a", 2, 2, 2),
            "Running",
            "2 of 2 pods ready",
        ),
        (
            STATEFULSET,
            {"replicas": 2},
            revisions("a", "b", 2, 2, 1),
            "Progressing",
            "1 of 2 pods ready; the rollout goes on: 2 of 2 pods have been updated",
        ),
        (
            STATEFULSET,
            {"replicas": 2},
            revisions("a", "a", 3, 3, 3),
            "Progressing",
            "3 of 2 pods ready; the rollout goes on: there are 3 pods, 2 are asked for",
        ),
        (
            STATEFULSET,
            {"replicas": 2} | PARTITION,
            revisions("a", "b", 2, 1, 2),
            "Running",
            "2 of 2 pods ready",
        ),
        (
            STATEFULSET,
            {"replicas": 3} | PARTITION,
            revisions("a", "b", 3, 1, 3),
            "Progressing",
            "3 of 3 pods ready; the rollout goes on: 1 of 2 pods have been updated",
        ),
        (
            STATEFULSET,
            {"replicas": 2} | ON_DELETE,
            revisions("a", "b", 2, 0, 2),
            "Running",
            "2 of 2 pods ready",
        ),
        (
            STATEFULSET,
            {"replicas": 2},
            revisions("a", "a", 2, 2, 1),
            "NotReady",
            "1 of 2 pods ready",
        ),
        (DAEMONSET, {}, nodes(3, 3, 3), "Running", "3 of 3 pods ready"),
        (
            DAEMONSET,
            {},
            nodes(3, 1, 2),
            "Progressing",
            "2 of 3 pods ready; the rollout goes on: 1 of 3 pods have been updated",
        ),
        (DAEMONSET, ON_DELETE, nodes(3, 1, 3), "Running", "3 of 3 pods ready"),
        (DAEMONSET, {}, nodes(3, 3, 2), "NotReady", "2 of 3 pods ready"),
        (DAEMONSET, {}, nodes(0, 0, 0), "Running", "0 of 0 pods ready"),
    ],
)
def test_each_rollout_in_words(
    kind: Kind, spec: dict[str, Any], status: dict[str, Any], state: str, description: str
) -> None:
    found = workload_state(kind, workload(spec, status), [], NOW)
    assert (found.name, found.state) == (f"shop/{kind.word}/web", state)
    assert found.description == description
    assert found.is_healthy is (state == "Running")


@pytest.mark.parametrize("kind", [DEPLOYMENT, STATEFULSET, DAEMONSET])
@pytest.mark.parametrize("reason", [DONE, LATE])
def test_a_change_that_is_not_taken_up_yet_is_going_on(kind: Kind, reason: str) -> None:
    """What its controller says, a failure too, is still about the change before."""
    status = counts(1, 1, 1, reason) | nodes(1, 1, 1)
    found = workload_state(kind, workload({}, status, observed=2), [], NOW)
    assert (found.state, found.is_healthy) == ("Progressing", False)
    assert "the change has not been taken up yet" in found.description


def test_what_is_being_deleted_is_not_running() -> None:
    leaving = workload({}, counts(1, 1, 1), deletionTimestamp="2026-03-01T11:59:00Z")
    assert workload_state(DEPLOYMENT, leaving, [], NOW).state == "Terminating"


def judged(*pods: Pod, ready: int = 1, replicas: int = 2) -> ServiceState:
    made = workload({"replicas": replicas}, counts(replicas, replicas, ready))
    return workload_state(DEPLOYMENT, made, pods, NOW)


def test_a_pod_in_trouble_gives_its_name_status_and_time_to_the_trouble() -> None:
    found = judged(pod("web-a"), pod("web-b", BACKOFF))
    assert (found.state, found.is_healthy, found.exit_status) == ("CrashLoopBackOff", False, 137)
    assert found.since == datetime(2026, 3, 1, 11, 57, tzinfo=UTC)
    assert found.description == (
        "1 of 2 pods ready; web-b: CrashLoopBackOff, container app waits: CrashLoopBackOff, before "
        "that it ended with status 137 (OOMKilled) at 2026-03-01 11:57:00 UTC"
    )


def test_a_workload_runs_since_its_newest_pod_does() -> None:
    found = judged(pod("web-a", start="10:00"), pod("web-b", start="11:30"), ready=2)
    assert (found.state, found.since) == ("Running", datetime(2026, 3, 1, 11, 30, tzinfo=UTC))


def test_pods_that_end_after_a_rollout_are_no_trouble() -> None:
    leaving = pod("web-old", BACKOFF, meta={"deletionTimestamp": "2026-03-01T11:59:00Z"})
    found = judged(pod("web-a"), pod("web-b"), leaving, ready=2)
    assert (found.state, found.is_healthy) == ("Running", True)
    assert found.description == "2 of 2 pods ready; 1 more ending"


def test_failed_pods_count_only_while_others_are_missing_for_them() -> None:
    evicted = pod("web-x", phase="Failed", reason="Evicted")
    assert judged(pod("web-a"), pod("web-b"), evicted, ready=2).state == "Running"
    assert judged(pod("web-a"), evicted, ready=1).state == "Evicted"


def test_why_no_pods_could_be_made_is_told() -> None:
    failure = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "exceeded quota:\x07 pods=2",
    }
    status = counts(1, 1, 1)
    status["conditions"].append(failure)
    found = workload_state(DEPLOYMENT, workload({"replicas": 2}, status), [], NOW)
    assert "exceeded quota:? pods=2" in found.description


def test_of_many_troubles_the_worst_two_are_told() -> None:
    pods = [pod(f"web-{letter}", BACKOFF) for letter in "abcd"]
    told = judged(*pods, ready=0, replicas=4).description
    assert told.count("CrashLoopBackOff, container") == 2


def test_a_pod_is_a_service_of_its_own() -> None:
    found = pod_state(pod("web-a", BACKOFF), NOW)
    assert (found.name, found.state) == ("shop/pod/web-a", "CrashLoopBackOff")
    assert (found.is_healthy, found.exit_status) == (False, 137)
    assert pod_state(pod("web-a"), NOW).is_healthy
