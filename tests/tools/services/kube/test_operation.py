"""Whole operations on a cluster: what its states and errors mean to `tools.services.operation`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tools.errors import ActionRefused
from tools.services.control import ServiceAction
from tools.services.kube.control import KubernetesControl
from tools.services.operation import Operation
from tools.services.permits import Permits
from tools.services.report import OperationReport
from tools.services.verification import Timing

WEB = "shop/deployment/web"
POD = "shop/pod/web-7f9f-aaaaa"
ALLOWED = ("kubernetes:shop/deployment/*:restart,scale", "kubernetes:shop/pod/*:delete")


def carry_out(
    shop: Any, action: ServiceAction, controller: Callable[[], None] = lambda: None
) -> OperationReport:
    """The action, with `controller` at work whenever the verification waits."""
    seconds = iter(range(1000))
    operation = Operation(
        KubernetesControl(shop),
        Permits.parse(ALLOWED),
        Timing(steady_s=2.0, settle_s=20.0),
        clock=lambda: float(next(seconds)),
        sleep=lambda _: controller(),
    )
    return operation.carry_out(action)


def roll_out(api: Any, deployment: Any, num_ready: int = 2) -> Callable[[], None]:
    """A controller that replaces the pods by new ones, of which `num_ready` become ready."""

    def work() -> None:
        replicas = deployment["spec"]["replicas"]
        deployment["status"] |= {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": replicas,
            "updatedReplicas": replicas,
            "readyReplicas": num_ready,
            "availableReplicas": num_ready,
        }
        for key, one in api.objects.items():
            if key[0] == "pods":
                one["status"]["startTime"] = "2026-03-01T12:00:30Z"

    return work


def test_a_restart_has_worked_when_the_rollout_is_done(
    api: Any, deployment: Any, shop: Any
) -> None:
    action = ServiceAction("restart", "kubernetes", WEB)
    report = carry_out(shop, action, roll_out(api, deployment))
    assert report.verdict == "worked"
    assert report.after is not None
    assert report.after.state == "Running"


@pytest.mark.parametrize("num_ready", [None, 1])
def test_a_rollout_that_does_not_end_has_not_helped(
    api: Any, deployment: Any, shop: Any, num_ready: int | None
) -> None:
    """Whether nothing takes it up, or its new pods do not become ready."""
    work = roll_out(api, deployment, num_ready) if num_ready is not None else lambda: None
    report = carry_out(shop, ServiceAction("restart", "kubernetes", WEB), work)
    assert report.verdict == "did_not_help"


def test_scaling_has_worked_when_all_pods_are_ready_and_can_be_undone(
    api: Any, deployment: Any, shop: Any
) -> None:
    action = ServiceAction("scale", "kubernetes", WEB, 3)
    report = carry_out(shop, action, roll_out(api, deployment, 3))
    assert report.verdict == "worked"
    assert report.undo == ServiceAction("scale", "kubernetes", WEB, 2)


def test_a_deleted_pod_is_gone(api: Any, deployment: Any, shop: Any) -> None:
    report = carry_out(shop, ServiceAction("delete", "kubernetes", POD))
    assert report.verdict == "worked"
    assert ("pods", "shop", "web-7f9f-aaaaa") not in api.objects


@pytest.mark.parametrize(
    ("code", "verdict"), [(403, "failed"), (422, "failed"), (500, "unknown"), (504, "unknown")]
)
def test_what_was_refused_failed_and_what_is_in_doubt_is_unknown(
    kubernetes: Any, api: Any, deployment: Any, shop: Any, code: int, verdict: str
) -> None:
    api.refusals = [(code, "nope")]
    report = carry_out(shop, ServiceAction("restart", "kubernetes", WEB))
    assert report.verdict == verdict
    assert len(kubernetes.ordered()) == 1


def test_a_refusal_of_ours_does_nothing(
    kubernetes: Any, api: Any, deployment: Any, shop: Any
) -> None:
    deployment["spec"]["paused"] = True
    with pytest.raises(ActionRefused, match="is paused"):
        carry_out(shop, ServiceAction("restart", "kubernetes", WEB))
    assert kubernetes.ordered() == []
