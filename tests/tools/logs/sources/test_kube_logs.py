from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tools.errors import BackendUnavailable
from tools.logs.sources.kube_cluster import KubernetesTarget
from tools.logs.sources.kube_logs import KubernetesOrigin
from tools.logs.sources.origin import Fetched, Haul
from tools.logs.sources.watch import FetchLimits, FetchWatch
from tools.window import EVERYTHING, Window

SHOP = "/api/v1/namespaces/shop"
LIMITS = FetchLimits(timeout_s=30)
RUNNING = {"running": {"startedAt": "2026-03-01T11:00:00Z"}}
CRASHED = {"terminated": {"exitCode": 137, "reason": "OOMKilled",
                          "finishedAt": "2026-03-01T11:59:00Z"}}  # fmt: skip
BACKOFF = {"waiting": {"reason": "CrashLoopBackOff"}}


def line(second: int, text: str) -> bytes:
    return f"2026-03-01T12:00:{second:02}.123456789Z {text}\n".encode()


def at(hour: int, second: int = 0, microsecond: int = 0) -> datetime:
    return datetime(2026, 3, 1, hour, 0, second, microsecond, tzinfo=UTC)


def pod(name: str, *containers: dict[str, Any], phase: str = "Running") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "shop", "ownerReferences": None},
        "spec": {"containers": []},
        "status": {"phase": phase, "containerStatuses": list(containers)},
    }


def container(name: str, state: dict[str, Any] = RUNNING, **more: Any) -> dict[str, Any]:
    return {"name": name, "ready": state is RUNNING, "restartCount": 0, "state": state} | more


@pytest.fixture
def shop(kubernetes: Any) -> Any:
    """The stand-in with a namespace `shop` without pods and events."""
    kubernetes.json(f"{SHOP}/pods", {"items": None})
    kubernetes.json(f"{SHOP}/events", {"items": []})
    return kubernetes


def fetch(
    kubeconfig: Path,
    *namespaces: str,
    window: Window = EVERYTHING,
    limits: FetchLimits = LIMITS,
    watch: FetchWatch | None = None,
) -> Haul:
    folder = kubeconfig.parent / "spool"
    folder.mkdir(exist_ok=True)
    target = KubernetesTarget(namespaces or ("shop",), kubeconfig=kubeconfig)
    return KubernetesOrigin(target).fetch(window, folder, limits, watch)


def names(haul: Haul) -> list[str]:
    return [log.source.name for log in haul.logs]


def text_of(log: Fetched) -> str:
    return "".join(path.read_text() for path in log.source.paths)


def test_each_container_and_the_events_are_a_log(shop: Any, kubeconfig: Path) -> None:
    shop.json(f"{SHOP}/pods", {"items": [pod("web-0", container("app"), container("proxy"))]})
    shop.by_query(f"{SHOP}/pods/web-0/log", "container", {"app": line(1, "a"), "proxy": b""})
    haul = fetch(kubeconfig)
    assert names(haul) == [
        "kubernetes:shop/events",
        "kubernetes:shop/web-0/app",
        "kubernetes:shop/web-0/proxy",
    ]
    assert [text_of(log).encode() for log in haul.logs] == [b"", line(1, "a"), b""]
    assert haul.notes == ()


def test_a_restarted_container_begins_with_its_last_run(shop: Any, kubeconfig: Path) -> None:
    status = container("app", BACKOFF, restartCount=4, lastState=CRASHED)
    restarted = container("db", RUNNING, restartCount=1, lastState=CRASHED)
    shop.json(f"{SHOP}/pods", {"items": [pod("web-0", status), pod("db-0", restarted)]})
    log = f"{SHOP}/pods/web-0/log"
    shop.by_query(log, "previous", {"true": line(1, "out of memory")})
    bodies = {"true": line(2, "last words without an end")[:-1], "": line(3, "up again")}
    shop.by_query(f"{SHOP}/pods/db-0/log", "previous", bodies)
    _, web, db = fetch(kubeconfig).logs
    assert text_of(web).encode() == line(1, "out of memory")
    assert text_of(db).encode() == line(2, "last words without an end") + line(3, "up again")
    assert [request.path for request in shop.requests].count(log) == 1


def test_the_window_and_the_limit_are_asked_of_the_server(shop: Any, kubeconfig: Path) -> None:
    shop.json(f"{SHOP}/pods", {"items": [pod("web-0", container("app"))]})
    path = f"{SHOP}/pods/web-0/log"
    shop.raw(path, b"")
    fetch(kubeconfig, window=Window(at(11)), limits=FetchLimits(max_log_lines=500))
    common = {"container": "app", "timestamps": "true"}
    assert shop.query(path) == common | {"sinceTime": "2026-03-01T11:00:00Z", "tailLines": "500"}
    fetch(kubeconfig, window=Window(None, at(12)))
    assert shop.query(path) == common


def test_reading_stops_at_the_end_of_the_window(shop: Any, kubeconfig: Path) -> None:
    shop.json(f"{SHOP}/pods", {"items": [pod("web-0", container("app"))]})
    shop.endless(f"{SHOP}/pods/web-0/log", line(2, "in") + b"trace\n" + line(3, "out"))
    _, log = fetch(kubeconfig, window=Window(None, at(12, second=2, microsecond=200_000))).logs
    assert text_of(log).encode().startswith(line(2, "in") + b"trace\n")
    assert b"out" not in text_of(log).encode()
    assert log.notes == ()


def test_what_never_ran_or_ended_before_the_window_is_not_asked(
    shop: Any, kubeconfig: Path
) -> None:
    pulling = container("app", {"waiting": {"reason": "ImagePullBackOff"}})
    done = {"terminated": {"exitCode": 0, "finishedAt": "2026-03-01T10:00:00Z"}}
    job = pod("job-1", container("main", done), phase="Succeeded")
    shop.json(f"{SHOP}/pods", {"items": [pod("web-0", pulling, phase="Pending"), job]})
    shop.raw(f"{SHOP}/pods/job-1/log", line(1, "done"))
    assert names(fetch(kubeconfig, window=Window(at(11)))) == ["kubernetes:shop/events"]
    assert names(fetch(kubeconfig))[1:] == ["kubernetes:shop/job-1/main"]


def test_preparations_are_read_unless_they_simply_succeeded(shop: Any, kubeconfig: Path) -> None:
    waiting = container("app", {"waiting": {"reason": "PodInitializing"}})
    described = pod("web-0", waiting, phase="Pending")
    ended = {"terminated": {"exitCode": 0}}
    described["status"]["initContainerStatuses"] = [
        container("fetch", ended),
        container("migrate", BACKOFF, restartCount=2, lastState=CRASHED),
    ]
    shop.json(f"{SHOP}/pods", {"items": [described]})
    shop.raw(f"{SHOP}/pods/web-0/log", line(1, "no such table"))
    assert names(fetch(kubeconfig))[1:] == ["kubernetes:shop/web-0/migrate"]


def test_one_unreadable_log_is_a_note(shop: Any, kubeconfig: Path) -> None:
    pods = [pod("web-0", container("app")), pod("gone-0", container("app"))]
    shop.json(f"{SHOP}/pods", {"items": pods})
    shop.raw(f"{SHOP}/pods/web-0/log", line(1, "up"))
    message = 'pods "gone-0" not found'
    shop.json(f"{SHOP}/pods/gone-0/log", {"kind": "Status", "message": message}, status=404)
    haul = fetch(kubeconfig)
    assert names(haul)[1:] == ["kubernetes:shop/web-0/app"]
    assert haul.notes == (f"kubernetes:shop/gone-0/app was left out: 404 {message}",)


def test_a_missing_last_run_is_a_note_of_the_log(shop: Any, kubeconfig: Path) -> None:
    restarted = container("app", RUNNING, restartCount=1, lastState=CRASHED)
    shop.json(f"{SHOP}/pods", {"items": [pod("web-0", restarted)]})
    shop.by_query(f"{SHOP}/pods/web-0/log", "previous", {"true": None, "": line(1, "up")})
    _, log = fetch(kubeconfig).logs
    assert text_of(log).encode() == line(1, "up")
    assert log.notes == ("400 {}",)


def test_many_unreadable_logs_are_counted(shop: Any, kubeconfig: Path) -> None:
    shop.json(f"{SHOP}/pods", {"items": [pod(f"w-{n}", container("app")) for n in range(30)]})
    haul = fetch(kubeconfig)
    assert names(haul) == ["kubernetes:shop/events"]
    assert len(haul.notes) == 9
    assert haul.notes[-1] == "and 22 more logs"


def test_one_forbidden_namespace_is_a_note(shop: Any, kubeconfig: Path) -> None:
    message = {"kind": "Status", "message": "pods is forbidden"}
    shop.json("/api/v1/namespaces/bank/pods", message, status=403)
    shop.json("/api/v1/namespaces/bank/events", message, status=403)
    haul = fetch(kubeconfig, "bank", "shop")
    assert names(haul) == ["kubernetes:shop/events"]
    assert "pods of the namespace bank cannot be listed: 403 pods is forbidden" in haul.notes


def test_without_any_namespace_the_cluster_is_unavailable(shop: Any, kubeconfig: Path) -> None:
    shop.json(f"{SHOP}/pods", {"kind": "Status", "message": "pods is forbidden"}, status=403)
    with pytest.raises(BackendUnavailable, match="403 pods is forbidden") as caught:
        fetch(kubeconfig)
    assert "get and list for pods" in caught.value.hint


def test_long_lists_come_in_pages(shop: Any, kubeconfig: Path) -> None:
    pages = {
        "": {"metadata": {"continue": "two"}, "items": [pod("a-0", container("app"))]},
        "two": {"metadata": {}, "items": [pod("b-0", container("app"))]},
    }
    shop.by_query_json(f"{SHOP}/pods", "continue", pages)
    shop.raw(f"{SHOP}/pods/a-0/log", b"")
    shop.raw(f"{SHOP}/pods/b-0/log", b"")
    assert names(fetch(kubeconfig))[1:] == ["kubernetes:shop/a-0/app", "kubernetes:shop/b-0/app"]


def test_a_list_whose_rest_has_expired_is_used_and_said(shop: Any, kubeconfig: Path) -> None:
    page = {"metadata": {"continue": "two"}, "items": [pod("a-0", container("app"))]}
    shop.by_query_json(f"{SHOP}/pods", "continue", {"": page, "two": None}, status=410)
    shop.raw(f"{SHOP}/pods/a-0/log", b"")
    haul = fetch(kubeconfig)
    assert names(haul)[1:] == ["kubernetes:shop/a-0/app"]
    assert haul.notes[0].startswith("only the first 1 pods of the namespace shop were listed: 410")


def test_a_list_without_an_end_is_cut(shop: Any, kubeconfig: Path) -> None:
    page = {"metadata": {"continue": ""}, "items": [pod("a-0")]}
    endless = {"metadata": {"continue": "more"}, "items": [pod("a-0")]}
    shop.by_query_json(f"{SHOP}/pods", "continue", {"": endless, "more": endless, "x": page})
    haul = fetch(kubeconfig)
    assert haul.notes == (
        "only the first 20 pods of the namespace shop were listed: there are too many",
    )


def test_pods_that_are_none_are_left_out_and_counted(shop: Any, kubeconfig: Path) -> None:
    odd = [3, {}, pod("../../secrets/x", container("app")), pod("web-0", container("a/../b"))]
    shop.json(f"{SHOP}/pods", {"items": [*odd, pod("web-1", container("app"))]})
    shop.raw(f"{SHOP}/pods/web-1/log", b"")
    haul = fetch(kubeconfig)
    assert names(haul)[1:] == ["kubernetes:shop/web-1/app"]
    assert haul.notes == ("4 pods were left out: their description is not understood",)
    assert not [path for path in shop.paths() if "secrets" in path or ".." in path]


def test_troubled_containers_come_first_when_there_are_too_many(
    shop: Any, kubeconfig: Path
) -> None:
    calm = [pod(f"a-{number}", container("app")) for number in range(5)]
    crashing = pod("z-0", container("app", BACKOFF, restartCount=4, lastState=CRASHED))
    shop.json(f"{SHOP}/pods", {"items": [*calm, crashing]})
    for name in ("a-0", "z-0"):
        shop.raw(f"{SHOP}/pods/{name}/log", b"")
    haul = fetch(kubeconfig, limits=FetchLimits(max_logs=3))
    assert names(haul)[1:] == ["kubernetes:shop/z-0/app", "kubernetes:shop/a-0/app"]
    assert haul.notes == ("4 containers were not looked at",)


def test_a_reset_connection_leaves_what_came(shop: Any, kubeconfig: Path) -> None:
    shop.json(f"{SHOP}/pods", {"items": [pod("web-0", container("app"))]})
    shop.raw(f"{SHOP}/pods/web-0/log", line(1, "up"), line(2, "half")[:-3], ends=False)
    _, log = fetch(kubeconfig).logs
    assert text_of(log).encode() == line(1, "up") + line(2, "half")[:-3] + b"\n"
    assert log.notes == ("the log breaks off here: the connection broke off",)


def test_slow_pods_end_at_the_time_limit_and_others_are_read(shop: Any, kubeconfig: Path) -> None:
    pods = [pod(f"slow-{number}", container("app")) for number in range(3)]
    shop.json(f"{SHOP}/pods", {"items": [*pods, pod("web-0", container("app"))]})
    for number in range(3):
        shop.stalls(f"{SHOP}/pods/slow-{number}/log", line(1, "begun"))
    shop.raw(f"{SHOP}/pods/web-0/log", line(2, "up"))
    haul = fetch(kubeconfig, limits=FetchLimits(timeout_s=1.5))
    texts = {log.source.name: text_of(log).encode() for log in haul.logs}
    assert texts["kubernetes:shop/web-0/app"] == line(2, "up")
    assert texts["kubernetes:shop/slow-0/app"] == line(1, "begun")
    reason = "the log breaks off here: the time limit of 1.5 s was reached"
    assert [log.notes for log in haul.logs].count((reason,)) == 3


def test_what_there_was_no_time_for_is_named(shop: Any, kubeconfig: Path) -> None:
    pods = [pod(f"slow-{number}", container("app")) for number in range(5)]
    shop.json(f"{SHOP}/pods", {"items": pods})
    for number in range(5):
        shop.stalls(f"{SHOP}/pods/slow-{number}/log", line(1, "begun"))
    haul = fetch(kubeconfig, limits=FetchLimits(timeout_s=1.5, max_parallel=1))
    assert names(haul) == ["kubernetes:shop/events", "kubernetes:shop/slow-0/app"]
    assert haul.notes == (
        "kubernetes:shop/slow-1/app, kubernetes:shop/slow-2/app, kubernetes:shop/slow-3/app "
        "and 1 more did not come: the time limit of 1.5 s was reached",
    )


def test_logs_are_fetched_side_by_side(shop: Any, kubeconfig: Path) -> None:
    shop.json(f"{SHOP}/pods", {"items": [pod(f"w-{n}", container("app")) for n in range(4)]})
    for number in range(4):
        shop.meets(f"{SHOP}/pods/w-{number}/log", parties=4)
    haul = fetch(kubeconfig, limits=FetchLimits(timeout_s=20, max_parallel=4))
    assert [text_of(log) for log in haul.logs[1:]] == ["met\n"] * 4


def test_a_cancelled_fetch_ends_a_read_that_waits(shop: Any, kubeconfig: Path) -> None:
    shop.json(f"{SHOP}/pods", {"items": [pod("web-0", container("app"))]})
    shop.stalls(f"{SHOP}/pods/web-0/log", line(1, "up"))
    watch = FetchWatch(LIMITS, is_cancelled=shop.is_holding_in_main_thread)
    log = fetch(kubeconfig, watch=watch).logs[-1]
    assert log.source.name == "kubernetes:shop/web-0/app"
    assert text_of(log).encode() == line(1, "up")
    assert log.notes[0].startswith("the log breaks off here")


def test_only_get_is_ever_sent(shop: Any, kubeconfig: Path) -> None:
    shop.json(f"{SHOP}/pods", {"items": [pod("web-0", container("app"))]})
    fetch(kubeconfig)
    assert {request.method for request in shop.requests} == {"GET"}


def test_the_check_says_what_can_be_read(shop: Any, kubeconfig: Path) -> None:
    shop.json(f"{SHOP}/pods", {"items": [pod("web-0", container("app"))]})
    origin = KubernetesOrigin(KubernetesTarget(("shop",), kubeconfig=kubeconfig))
    assert origin.check().words == "kubernetes: 1 pods in shop"
    partly = KubernetesOrigin(KubernetesTarget(("shop", "bank"), kubeconfig=kubeconfig)).check()
    assert not partly.is_ok
    assert "the namespace bank cannot be listed" in partly.words


def test_the_check_never_raises(tmp_path: Path) -> None:
    target = KubernetesTarget(("shop",), kubeconfig=tmp_path / "none")
    check = KubernetesOrigin(target).check()
    assert not check.is_ok
    assert "cannot be used" in check.words
