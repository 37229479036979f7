"""The control of workloads and pods: the real client against a server that speaks the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tools.errors import (
    ActionFailed,
    ActionRefused,
    BackendUnavailable,
    InvalidQuery,
    ToolsError,
    UnknownService,
)
from tools.logs.sources.kube_cluster import KubernetesTarget
from tools.services.control import MAX_REPLICAS, ScalingControl, ServiceAction, Verb
from tools.services.kube.control import KubernetesControl
from tools.services.orders import Unconfirmed

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
WEB = "shop/deployment/web"
WEB_PATH = "/apis/apps/v1/namespaces/shop/deployments/web"
POD = "shop/pod/web-7f9f-aaaaa"
POD_PATH = "/api/v1/namespaces/shop/pods/web-7f9f-aaaaa"


@pytest.fixture
def control(shop: KubernetesTarget) -> KubernetesControl:
    return KubernetesControl(shop, clock=lambda: NOW)


def act(
    control: KubernetesControl, verb: Any, service: str = WEB, replicas: int | None = None
) -> None:
    control.act(ServiceAction(verb, "kubernetes", service, replicas))


def sent(kubernetes: Any) -> list[tuple[str, str, str, dict[str, str], dict[str, Any]]]:
    return [
        (one.method, one.path, one.content_type, one.query, json.loads(one.body))
        for one in kubernetes.ordered()
    ]


def test_a_restart_is_the_patch_that_kubectl_sends(
    kubernetes: Any, api: Any, deployment: Any, control: KubernetesControl
) -> None:
    version = deployment["metadata"]["resourceVersion"]
    act(control, "restart")
    assert sent(kubernetes) == [
        (
            "PATCH",
            WEB_PATH,
            "application/strategic-merge-patch+json",
            {"fieldManager": "midwatch"},
            {
                "metadata": {"resourceVersion": version},
                "spec": {
                    "template": {
                        "metadata": {
                            "annotations": {
                                "kubectl.kubernetes.io/restartedAt": "2026-03-01T12:00:00Z"
                            }
                        }
                    }
                },
            },
        )
    ]
    template = deployment["spec"]["template"]["metadata"]
    assert template["annotations"] == {"kubectl.kubernetes.io/restartedAt": "2026-03-01T12:00:00Z"}
    assert template["labels"] == {"app": "web"}
    assert control.state(WEB).state == "Progressing"


@pytest.mark.parametrize(
    ("plural", "service"),
    [("statefulsets", "shop/statefulset/db"), ("daemonsets", "shop/daemonset/db")],
)
def test_the_other_workloads_are_restarted_alike(
    kubernetes: Any, api: Any, control: KubernetesControl, plural: str, service: str
) -> None:
    made = api.add(plural, "db")
    act(control, "restart", service)
    (order,) = kubernetes.ordered()
    assert order.path == f"/apis/apps/v1/namespaces/shop/{plural}/db"
    assert "annotations" in made["spec"]["template"]["metadata"]


@pytest.mark.parametrize("replicas", [0, 1, 5, MAX_REPLICAS])
def test_scale_sets_the_scale_and_nothing_else(
    kubernetes: Any, api: Any, deployment: Any, control: KubernetesControl, replicas: int
) -> None:
    version = deployment["metadata"]["resourceVersion"]
    act(control, "scale", replicas=replicas)
    assert sent(kubernetes) == [
        (
            "PATCH",
            f"{WEB_PATH}/scale",
            "application/merge-patch+json",
            {"fieldManager": "midwatch"},
            {"metadata": {"resourceVersion": version}, "spec": {"replicas": replicas}},
        )
    ]
    assert isinstance(control, ScalingControl)
    assert control.replicas(WEB) == replicas


def test_a_pod_is_deleted_by_its_uid(
    kubernetes: Any, api: Any, deployment: Any, control: KubernetesControl
) -> None:
    uid = api.objects["pods", "shop", "web-7f9f-aaaaa"]["metadata"]["uid"]
    act(control, "delete", POD)
    assert sent(kubernetes) == [
        (
            "DELETE",
            POD_PATH,
            "application/json",
            {},
            {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}},
        )
    ]
    with pytest.raises(UnknownService):
        control.state(POD)


@pytest.mark.parametrize(
    ("verb", "service", "replicas"),
    [
        ("start", WEB, None),
        ("stop", WEB, None),
        ("delete", WEB, None),
        ("delete", "shop/statefulset/db", None),
        ("scale", "shop/daemonset/db", 2),
        ("restart", POD, None),
        ("scale", POD, 2),
        ("rollout", WEB, None),
        ("", WEB, None),
        ("scale", WEB, None),
        ("scale", WEB, -1),
        ("scale", WEB, MAX_REPLICAS + 1),
    ],
)
def test_other_verbs_and_numbers_reach_no_cluster(
    kubernetes: Any,
    api: Any,
    deployment: Any,
    control: KubernetesControl,
    verb: Verb,
    service: str,
    replicas: int | None,
) -> None:
    with pytest.raises(InvalidQuery):
        act(control, verb, service, replicas)
    assert kubernetes.requests == []


def test_an_action_for_another_manager_reaches_no_cluster(
    kubernetes: Any, control: KubernetesControl
) -> None:
    with pytest.raises(InvalidQuery):
        control.act(ServiceAction("restart", "docker", WEB))
    assert kubernetes.requests == []


@pytest.mark.parametrize(
    "service",
    [
        "",
        "web",
        "shop/web",
        "deployment/web",
        "shop/deployment/",
        "shop/deployment/web/",
        "shop/deployment/web/scale",
        "shop/deployment/../statefulsets/web",
        "shop/deployment/..",
        "shop/deployment/web%2fscale",
        "shop/deployment/web?dryRun=All",
        "shop/deployment/web#",
        "shop/deployment/web\n",
        "shop/deployment/web\r\nX: y",
        "shop/deployment/web,metadata.name!=x",
        "shop/deployment/-web",
        "shop/deployment/web-",
        "shop/deployment/.web",
        "shop/deployment/web..1",
        "shop/deployment/Web",
        "shop/deployment/we_b",
        "shop/deployment/wеb",  # noqa: RUF001  (a Cyrillic letter)
        "shop/deployment/*",
        "shop/deployment/" + "a" * 254,
        "shop/deployments/web",
        "shop/Deployment/web",
        "shop/secret/web",
        "shop/namespace/shop",
        "shop//web",
        "/deployment/web",
        "../deployment/web",
        "shop.x/deployment/web",
        "kube-system/../shop/deployment/web",
        "a" * 64 + "/deployment/web",
        "--all/deployment/web",
        "shop/pod/--all",
        " shop/deployment/web",
    ],
)
@pytest.mark.parametrize("what", ["restart", "delete", "state", "log_tail", "replicas"])
def test_a_hostile_name_reaches_no_cluster(
    kubernetes: Any, api: Any, control: KubernetesControl, service: str, what: str
) -> None:
    calls: dict[str, Callable[[], object]] = {
        "restart": lambda: act(control, "restart", service),
        "delete": lambda: act(control, "delete", service),
        "state": lambda: control.state(service),
        "log_tail": lambda: control.log_tail(service, 5),
        "replicas": lambda: control.replicas(service),
    }
    with pytest.raises(UnknownService) as caught:
        calls[what]()
    assert "namespace/kind/name" in caught.value.hint
    assert kubernetes.requests == []


@pytest.mark.parametrize(
    "service", ["shop/deployment/we", "shop/deployment/web-1", "shop/statefulset/web", "shop/pod/x"]
)
def test_what_no_list_has_is_unknown(
    kubernetes: Any, api: Any, deployment: Any, control: KubernetesControl, service: str
) -> None:
    for call in (
        lambda: control.state(service),
        lambda: control.log_tail(service, 3),
        lambda: act(control, "delete" if "/pod/" in service else "restart", service),
    ):
        with pytest.raises(UnknownService):
            call()
    assert kubernetes.ordered() == []


def test_another_namespace_is_not_even_looked_at(
    kubernetes: Any, api: Any, control: KubernetesControl
) -> None:
    api.add("deployments", "web", namespace="kube-system")
    with pytest.raises(UnknownService):
        act(control, "restart", "kube-system/deployment/web")
    assert kubernetes.requests == []


def test_what_the_selector_does_not_fit_is_not_there(
    kubernetes: Any, api: Any, deployment: Any, shop: KubernetesTarget
) -> None:
    narrow = KubernetesControl(replace(shop, selector="app=other"))
    assert narrow.list_services() == []
    for verb, service in (("restart", WEB), ("delete", POD)):
        with pytest.raises(UnknownService):
            act(narrow, verb, service)
    assert kubernetes.ordered() == []
    act(KubernetesControl(replace(shop, selector="app=web")), "restart")
    assert len(kubernetes.ordered()) == 1


def test_a_change_in_between_is_looked_at_before_the_order_is_sent_again(
    kubernetes: Any, api: Any, deployment: Any, control: KubernetesControl
) -> None:
    changes = iter([True, True, False])
    api.before_order = lambda: api.touch(deployment) if next(changes) else None
    act(control, "scale", replicas=5)
    assert deployment["spec"]["replicas"] == 5
    versions = [body["metadata"]["resourceVersion"] for *_, body in sent(kubernetes)]
    assert len(set(versions)) == 3
    assert versions[-1] != deployment["metadata"]["resourceVersion"]


def test_what_was_paused_in_between_is_not_restarted(
    kubernetes: Any, api: Any, deployment: Any, control: KubernetesControl
) -> None:
    def pause() -> None:
        deployment["spec"]["paused"] = True
        api.touch(deployment)

    api.before_order = pause
    with pytest.raises(ActionRefused, match="is paused"):
        act(control, "restart")
    assert len(kubernetes.ordered()) == 1
    assert "annotations" not in deployment["spec"]["template"]["metadata"]


def test_what_was_made_anew_under_the_same_name_is_found_again_first(
    kubernetes: Any, api: Any, deployment: Any, control: KubernetesControl
) -> None:
    def replaced() -> None:
        api.before_order = lambda: None
        api.add("deployments", "web", metadata={"deletionTimestamp": "2026-03-01T12:00:00Z"})

    api.before_order = replaced
    with pytest.raises(ActionRefused, match="is being deleted"):
        act(control, "scale", replicas=9)
    assert "replicas" not in api.objects["deployments", "shop", "web"]["spec"]


def test_what_others_keep_changing_is_given_up(
    kubernetes: Any, api: Any, deployment: Any, control: KubernetesControl
) -> None:
    api.before_order = lambda: api.touch(deployment)
    with pytest.raises(ActionFailed, match="changed by others each time, 4 times"):
        act(control, "restart")
    assert len(kubernetes.ordered()) == 4
    assert "annotations" not in deployment["spec"]["template"]["metadata"]


def test_a_pod_that_was_replaced_in_between_is_not_deleted(
    kubernetes: Any, api: Any, new_pod: Callable[..., Any], control: KubernetesControl
) -> None:
    # Pods of a StatefulSet keep their names.
    db = api.add("statefulsets", "db", spec={"replicas": 1})
    new_pod("db-0", db, "StatefulSet")
    api.before_order = lambda: new_pod("db-0", db, "StatefulSet")
    with pytest.raises(ActionFailed, match="refused to delete shop/pod/db-0: 409") as caught:
        act(control, "delete", "shop/pod/db-0")
    assert "look at it again" in caught.value.hint
    assert len(kubernetes.ordered()) == 1
    assert ("pods", "shop", "db-0") in api.objects


def test_a_pod_without_a_uid_is_not_deleted(
    kubernetes: Any, api: Any, deployment: Any, control: KubernetesControl
) -> None:
    api.objects["pods", "shop", "web-7f9f-aaaaa"]["metadata"]["uid"] = ""
    with pytest.raises(ActionFailed, match=r"was not told to delete .* no uid"):
        act(control, "delete", POD)
    assert kubernetes.ordered() == []


def test_what_is_leaving_already_is_left_alone(
    kubernetes: Any, api: Any, deployment: Any, control: KubernetesControl
) -> None:
    for one in api.objects.values():
        one["metadata"]["deletionTimestamp"] = "2026-03-01T11:59:00Z"
    for verb, service in (("restart", WEB), ("scale", WEB), ("delete", POD)):
        with pytest.raises(ActionRefused, match="is being deleted"):
            act(control, verb, service, 3 if verb == "scale" else None)
    assert kubernetes.ordered() == []


def test_a_paused_deployment_is_not_restarted_but_scaled(
    kubernetes: Any, api: Any, deployment: Any, control: KubernetesControl
) -> None:
    deployment["spec"]["paused"] = True
    with pytest.raises(ActionRefused, match="is paused") as caught:
        act(control, "restart")
    assert caught.value.hint.endswith("kubectl rollout resume deployment/web -n shop")
    act(control, "scale", replicas=3)
    assert deployment["spec"]["replicas"] == 3


def test_a_restart_that_would_replace_nothing_is_refused(
    kubernetes: Any, api: Any, control: KubernetesControl
) -> None:
    api.add("daemonsets", "agent", spec={"updateStrategy": {"type": "OnDelete"}})
    with pytest.raises(ActionRefused, match="OnDelete"):
        act(control, "restart", "shop/daemonset/agent")
    assert kubernetes.ordered() == []


@pytest.mark.parametrize(
    ("verb", "service", "forbidden", "needs"),
    [
        ("restart", WEB, ("patch", "deployments.apps"), "patch on deployments.apps"),
        ("scale", WEB, ("patch", "deployments.apps/scale"), "patch on deployments.apps/scale"),
        ("delete", POD, ("delete", "pods"), "delete on pods"),
    ],
)
def test_a_missing_permission_is_named(
    kubernetes: Any,
    api: Any,
    deployment: Any,
    control: KubernetesControl,
    verb: str,
    service: str,
    forbidden: tuple[str, str],
    needs: str,
) -> None:
    api.forbidden = {forbidden}
    with pytest.raises(ActionFailed, match=f"refused to {verb} {service}: 403") as caught:
        act(control, verb, service, 3 if verb == "scale" else None)
    assert f"this login needs the verb {needs}" in caught.value.hint
    assert f"kubectl auth can-i {' '.join(forbidden)} -n shop" in caught.value.hint
    assert len(kubernetes.ordered()) == 1


@pytest.mark.parametrize(
    ("service", "kind"),
    [(WEB, "deployments"), (POD, "pods"), (POD, "replicasets")],
)
def test_a_missing_permission_to_look_is_named(
    kubernetes: Any, api: Any, deployment: Any, control: KubernetesControl, service: str, kind: str
) -> None:
    api.forbidden = {("list", kind if kind == "pods" else f"{kind}.apps")}
    with pytest.raises(ActionFailed, match=f"was not told .*{kind} of the namespace") as caught:
        act(control, "delete" if service == POD else "restart", service)
    assert f"list for {kind}" in caught.value.hint
    assert kubernetes.ordered() == []


@pytest.mark.parametrize(
    ("code", "kind", "message", "hint"),
    [
        (400, ActionFailed, "refused to restart", "see what the cluster says"),
        (404, UnknownService, "no service named", "midwatch services list"),
        (422, ActionFailed, "refused to restart", "finds the change invalid"),
        (429, ActionFailed, "refused to restart", "try again later"),
        (500, Unconfirmed, "did not confirm to restart", "before anything is tried again"),
        (503, Unconfirmed, "did not confirm to restart", "before anything is tried again"),
        (504, Unconfirmed, "did not confirm to restart", "before anything is tried again"),
        (307, ActionFailed, "refused to restart", "see what the cluster says"),
    ],
)
def test_each_refusal_says_what_to_do_and_nothing_is_repeated(
    kubernetes: Any,
    api: Any,
    deployment: Any,
    control: KubernetesControl,
    code: int,
    kind: type[ToolsError],
    message: str,
    hint: str,
) -> None:
    api.refusals = [(code, "nope\x1b[2J")]
    with pytest.raises(kind) as caught:
        act(control, "restart")
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert "\x1b" not in caught.value.message
    assert ("may have taken place" in caught.value.message) is (code >= 500)
    assert len(kubernetes.ordered()) == 1


def test_a_login_that_is_not_accepted_did_nothing(
    kubernetes: Any, api: Any, deployment: Any, control: KubernetesControl
) -> None:
    api.refusals = [(401, "Unauthorized")]
    with pytest.raises(ActionFailed, match=r"was not told .*did not accept the login") as caught:
        act(control, "restart")
    assert "kubectl get pods" in caught.value.hint


@pytest.mark.parametrize("way", ["breaks_off", "is_silent"])
def test_an_order_without_an_answer_is_in_doubt_and_not_repeated(
    kubernetes: Any,
    api: Any,
    deployment: Any,
    control: KubernetesControl,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    monkeypatch.setattr("tools.services.kube.orders._MAX_WAIT_S", 0.3)
    getattr(kubernetes, way)("PATCH", WEB_PATH)
    listed = json.dumps({"items": [deployment]}).encode()
    kubernetes.speaker = None
    kubernetes.raw("/apis/apps/v1/namespaces/shop/deployments", listed)
    with pytest.raises(Unconfirmed, match="it may have taken place all the same"):
        act(control, "restart")
    assert len(kubernetes.ordered()) == 1


def test_a_list_that_does_not_keep_to_the_question_is_not_believed(
    kubernetes: Any, deployment: Any, control: KubernetesControl
) -> None:
    kubernetes.speaker = None
    for items in ([deployment, deployment], [deployment | {"metadata": {"name": "web"}}], ["web"]):
        kubernetes.json("/apis/apps/v1/namespaces/shop/deployments", {"items": items})
        with pytest.raises(ActionFailed, match=r"was not told .*does not describe"):
            act(control, "restart")
    other = deployment["metadata"] | {"name": "db"}
    kubernetes.json(
        "/apis/apps/v1/namespaces/shop/deployments", {"items": [deployment | {"metadata": other}]}
    )
    with pytest.raises(ActionFailed, match=r"was not told .*does not describe"):
        act(control, "restart")
    assert kubernetes.ordered() == []


def test_all_workloads_and_pods_are_listed(
    api: Any, deployment: Any, control: KubernetesControl
) -> None:
    api.add("statefulsets", "db", spec={"replicas": 0})
    api.add("daemonsets", "agent")
    listed = {state.name: (state.state, state.is_healthy) for state in control.list_services()}
    assert listed == {
        "shop/deployment/web": ("Running", True),
        "shop/statefulset/db": ("Stopped", False),
        "shop/daemonset/agent": ("Running", True),
        "shop/pod/web-7f9f-aaaaa": ("Running", True),
        "shop/pod/web-7f9f-bbbbb": ("Running", True),
    }
    for name in listed:
        assert control.state(name).name == name


def test_the_state_of_one_is_the_state_in_the_list(
    api: Any, deployment: Any, control: KubernetesControl
) -> None:
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    pod = api.objects["pods", "shop", "web-7f9f-aaaaa"]
    pod["status"]["containerStatuses"][0] |= {"ready": False, "state": waiting}
    deployment["status"] |= {"readyReplicas": 1, "availableReplicas": 1}
    for state in control.list_services():
        assert control.state(state.name) == state
    web = control.state(WEB)
    assert (web.state, web.is_healthy) == ("CrashLoopBackOff", False)
    assert control.state(POD).state == "CrashLoopBackOff"


def test_what_cannot_be_listed_is_left_out_and_said(
    api: Any, deployment: Any, control: KubernetesControl, caplog: pytest.LogCaptureFixture
) -> None:
    api.forbidden = {("list", "daemonsets.apps"), ("list", "pods")}
    assert [state.name for state in control.list_services()] == [WEB]
    assert "daemonsets of the namespace shop cannot be listed" in caplog.text
    assert "this login needs list for daemonsets in shop" in caplog.text


def test_when_nothing_can_be_listed_the_states_are_unknown(
    api: Any, control: KubernetesControl
) -> None:
    workloads = {
        ("list", f"{plural}.apps") for plural in ("deployments", "statefulsets", "daemonsets")
    }
    api.forbidden = workloads | {("list", "pods")}
    with pytest.raises(BackendUnavailable, match="deployments of the namespace shop"):
        control.list_services()


def test_an_object_that_is_not_understood_is_left_out_and_said(
    api: Any, deployment: Any, control: KubernetesControl, caplog: pytest.LogCaptureFixture
) -> None:
    api.objects["pods", "shop", "web-7f9f-bbbbb"]["status"]["containerStatuses"] = 3
    assert len(control.list_services()) == 2
    assert "1 pods are not understood" in caplog.text


def test_the_tail_of_a_workload_is_that_of_its_pods_by_time(
    kubernetes: Any, api: Any, deployment: Any, control: KubernetesControl
) -> None:
    api.logs["web-7f9f-aaaaa", "app", False] = (
        b"2026-03-01T11:00:00Z a1\n2026-03-01T11:00:02.5Z a2\n\tat line 3\n"
    )
    api.logs["web-7f9f-bbbbb", "app", False] = (
        b"2026-03-01T11:00:01.000000001Z b1\n2026-03-01T12:00:02.25+01:00 b2\n"
    )
    lines = control.log_tail(WEB, 4)
    assert lines == (
        "[web-7f9f-bbbbb/app] 2026-03-01T11:00:01.000000001Z b1",
        "[web-7f9f-bbbbb/app] 2026-03-01T12:00:02.25+01:00 b2",
        "[web-7f9f-aaaaa/app] 2026-03-01T11:00:02.5Z a2",
        "[web-7f9f-aaaaa/app] \tat line 3",
    )
    assert control.log_tail(POD, 1) == ("\tat line 3",)
    assert kubernetes.query(f"{POD_PATH}/log") == {
        "container": "app",
        "timestamps": "true",
        "tailLines": "1",
    }
    assert kubernetes.ordered() == []


def test_without_a_cluster_nothing_was_ordered(tmp_path: Path) -> None:
    nowhere = KubernetesControl(KubernetesTarget(("shop",), kubeconfig=tmp_path / "none"))
    with pytest.raises(ActionFailed, match=f"was not told to restart {WEB}"):
        act(nowhere, "restart")
    for call in (
        lambda: nowhere.state(WEB),
        lambda: nowhere.replicas(WEB),
        lambda: nowhere.log_tail(POD, 1),
        nowhere.list_services,
    ):
        with pytest.raises(BackendUnavailable):
            call()
