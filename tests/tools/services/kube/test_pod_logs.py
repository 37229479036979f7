from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tools.errors import BackendUnavailable
from tools.services.kube.control import KubernetesControl
from tools.services.kube.pod_logs import MAX_CONTAINERS

ENDED = {"terminated": {"exitCode": 1, "finishedAt": "2026-03-01T10:00:00Z"}}
WAITING = {"waiting": {"reason": "CrashLoopBackOff"}}


@pytest.fixture
def tail(api: Any, shop: Any) -> Callable[[str, int], tuple[str, ...]]:
    return KubernetesControl(shop).log_tail


def test_the_run_before_this_one_comes_first(
    api: Any, new_pod: Callable[..., Any], tail: Any
) -> None:
    status = new_pod("one")["status"]["containerStatuses"][0]
    status |= {"lastState": ENDED, "restartCount": 1}
    api.logs["one", "app", True] = b"2026-03-01T10:00:00Z panic: x\n\tat y\n"
    api.logs["one", "app", False] = b"2026-03-01T11:00:00Z up\n"
    assert tail("shop/pod/one", 9) == (
        "2026-03-01T10:00:00Z panic: x",
        "\tat y",
        "2026-03-01T11:00:00Z up",
    )
    assert tail("shop/pod/one", 2) == ("\tat y", "2026-03-01T11:00:00Z up")


def test_a_container_that_waits_has_the_log_of_its_last_run(
    api: Any, new_pod: Callable[..., Any], tail: Any
) -> None:
    status = new_pod("one")["status"]["containerStatuses"][0]
    status |= {"state": WAITING, "lastState": ENDED, "ready": False}
    api.logs["one", "app", True] = b"2026-03-01T10:00:00Z panic\n"
    assert tail("shop/pod/one", 9) == ("2026-03-01T10:00:00Z panic",)


def test_a_container_that_never_ran_has_no_log(
    kubernetes: Any, new_pod: Callable[..., Any], tail: Any
) -> None:
    new_pod("one")["status"]["containerStatuses"][0] |= {"state": WAITING, "ready": False}
    assert tail("shop/pod/one", 9) == ()
    assert not any(path.endswith("/log") for path in kubernetes.paths())


def test_a_log_that_is_gone_is_passed_over(new_pod: Callable[..., Any], tail: Any) -> None:
    new_pod("one")
    assert tail("shop/pod/one", 9) == ()


def test_a_log_that_may_not_be_read_is_said(
    api: Any, new_pod: Callable[..., Any], tail: Any
) -> None:
    new_pod("one")
    api.forbidden = {("get", "pods/log")}
    with pytest.raises(
        BackendUnavailable, match="the log of shop/one/app cannot be read"
    ) as caught:
        tail("shop/pod/one", 9)
    assert caught.value.hint == "this login needs the verb get on pods/log in shop"


@pytest.mark.parametrize("max_lines", [0, -3])
def test_no_lines_are_none(
    kubernetes: Any, new_pod: Callable[..., Any], tail: Any, max_lines: int
) -> None:
    new_pod("one")
    assert tail("shop/pod/one", max_lines) == ()
    assert not any(path.endswith("/log") for path in kubernetes.paths())


def test_of_many_containers_those_in_trouble_are_read(
    api: Any, new_pod: Callable[..., Any], tail: Any
) -> None:
    db = api.add("statefulsets", "db", spec={"replicas": 20})
    for number in range(20):
        pod = new_pod(f"db-{number}", db, "StatefulSet")
        api.logs[f"db-{number}", "app", False] = b"2026-03-01T11:00:%02dZ up\n" % number
    pod["status"]["containerStatuses"][0]["ready"] = False
    lines = tail("shop/statefulset/db", 100)
    assert len(lines) == MAX_CONTAINERS
    assert lines[-1] == "[db-19/app] 2026-03-01T11:00:19Z up"


def test_pods_of_others_with_the_same_labels_are_not_read(
    api: Any, new_pod: Callable[..., Any], tail: Any
) -> None:
    api.add("statefulsets", "db", spec={"selector": {"matchLabels": {"app": "db"}}})
    new_pod("lone", app="db")
    api.logs["lone", "app", False] = b"2026-03-01T11:00:00Z up\n"
    assert tail("shop/statefulset/db", 5) == ()
