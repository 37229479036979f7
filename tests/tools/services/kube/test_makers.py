"""Which pods may be deleted: only those that something makes anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tools.errors import ActionRefused
from tools.services.control import ServiceAction
from tools.services.kube.control import KubernetesControl

MAKERS = [
    ("replicasets", "ReplicaSet"),
    ("statefulsets", "StatefulSet"),
    ("daemonsets", "DaemonSet"),
    ("replicationcontrollers", "ReplicationController"),
]


def delete(shop: Any) -> None:
    KubernetesControl(shop).act(ServiceAction("delete", "kubernetes", "shop/pod/one"))


def refusal(shop: Any) -> str:
    with pytest.raises(ActionRefused) as caught:
        delete(shop)
    assert "by hand" in caught.value.hint
    return caught.value.message


@pytest.mark.parametrize(("plural", "kind"), MAKERS)
def test_a_pod_that_is_made_anew_may_go(
    api: Any, shop: Any, new_pod: Callable[..., Any], plural: str, kind: str
) -> None:
    new_pod("one", api.add(plural, "maker"), kind)
    delete(shop)
    assert ("pods", "shop", "one") not in api.objects


def test_a_pod_that_nothing_made_stays(
    api: Any, shop: Any, kubernetes: Any, new_pod: Callable[..., Any]
) -> None:
    new_pod("one")
    assert "nothing that is known to do so would make it anew" in refusal(shop)
    assert kubernetes.ordered() == []


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "Node", "apiVersion": "v1"},
        {"kind": "Job", "apiVersion": "batch/v1"},
        {"kind": "StatefulSet", "apiVersion": "apps.example.io/v1"},
        {"controller": False},
        {"name": "../maker"},
        {"name": "maker,metadata.name!=maker"},
    ],
)
def test_makers_that_are_none_do_not_count(
    api: Any, shop: Any, kubernetes: Any, new_pod: Callable[..., Any], change: dict[str, Any]
) -> None:
    made = new_pod("one", api.add("statefulsets", "maker"), "StatefulSet")
    made["metadata"]["ownerReferences"][0] |= change
    assert "nothing that is known to do so" in refusal(shop)
    assert kubernetes.ordered() == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"metadata": {"uid": "another"}}, "its ReplicaSet maker is gone"),
        ({"metadata": {"uid": ""}}, "its ReplicaSet maker is gone"),
        (
            {"metadata": {"deletionTimestamp": "2026-03-01T11:59:00Z"}},
            "its ReplicaSet maker is being deleted",
        ),
        ({"spec": {"replicas": 0}}, "its ReplicaSet maker asks for no pods any more"),
    ],
)
def test_a_maker_that_makes_none_any_more_does_not_count(
    api: Any,
    shop: Any,
    kubernetes: Any,
    new_pod: Callable[..., Any],
    change: dict[str, Any],
    why: str,
) -> None:
    maker = api.add("replicasets", "maker")
    new_pod("one", maker)
    for part, fields in change.items():
        maker[part] |= fields
    assert why in refusal(shop)
    assert kubernetes.ordered() == []


def test_a_maker_that_is_not_there_does_not_count(
    api: Any, shop: Any, kubernetes: Any, new_pod: Callable[..., Any]
) -> None:
    new_pod("one", api.add("replicasets", "maker"))
    del api.objects["replicasets", "shop", "maker"]
    assert "is gone" in refusal(shop)
    assert kubernetes.ordered() == []


def test_an_owner_without_a_uid_is_nobody(
    api: Any, shop: Any, kubernetes: Any, new_pod: Callable[..., Any]
) -> None:
    maker = api.add("replicasets", "maker", metadata={"uid": ""})
    new_pod("one", maker)
    assert "is gone" in refusal(shop)
    assert kubernetes.ordered() == []
