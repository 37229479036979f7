from __future__ import annotations

import socket
import traceback
from pathlib import Path
from typing import Any

import pytest

from tools.errors import BackendUnavailable
from tools.logs.sources.kube_cluster import ClusterRefused, KubernetesTarget, open_cluster
from tools.logs.sources.watch import FetchLimits, FetchWatch

PATH = "/api/v1/namespaces/shop/pods"


def watch(timeout_s: float = 10.0) -> FetchWatch:
    return FetchWatch(FetchLimits(timeout_s=timeout_s))


def target(kubeconfig: Path | None, context: str = "") -> KubernetesTarget:
    return KubernetesTarget(("shop",), context=context, kubeconfig=kubeconfig)


def ask(kubeconfig: Path, timeout_s: float = 10.0, **query: str) -> Any:
    the_watch = watch(timeout_s)
    with open_cluster(target(kubeconfig), the_watch) as cluster:
        return cluster.json(PATH, query)


def test_the_login_of_the_kubeconfig_is_sent(kubernetes: Any, kubeconfig: Path) -> None:
    kubernetes.json(PATH, {"items": []})
    assert ask(kubeconfig, labelSelector="app in (a,b)") == {"items": []}
    (request,) = kubernetes.requests
    assert request.authorization == "Bearer s3cret-token"
    assert request.query == {"labelSelector": "app in (a,b)"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "{{{",
        "users: [{name: u, user: {token: s3cret-token}}]",
        "current-context: prod\nclusters: [{name: c, cluster: {server: x}}]\n"
        "users: [{name: u, token: s3cret-token}]\n"
        "contexts: [{name: prod, context: {cluster: c, user: u}}]\n",
        "current-context: prod\nusers: [{name: u, user: {token: s3cret-token}}]\n"
        "contexts: [{name: prod, context: {cluster: c, user: u}}]\n",
        "current-context: prod\nclusters: [{name: c, cluster: {}}]\n"
        "users: [{name: u, user: {token: s3cret-token}}]\n"
        "contexts: [{name: prod, context: {cluster: c, user: u}}]\n",
        "current-context: prod\n"
        "clusters: [{name: c, cluster: {server: x, certificate-authority-data: '%%'}}]\n"
        "users: [{name: u, user: {token: s3cret-token}}]\n"
        "contexts: [{name: prod, context: {cluster: c, user: u}}]\n",
        "current-context: prod\nclusters: [{name: c, cluster: {server: x}}]\n"
        "users: [{name: u, user: {exec: {command: /none, apiVersion: v1, args: [s3cret]}}}]\n"
        "contexts: [{name: prod, context: {cluster: c, user: u}}]\n",
    ],
)
def test_an_unusable_kubeconfig_is_an_error_without_its_secrets(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with (
        pytest.raises(BackendUnavailable) as caught,
        open_cluster(target(path), watch()) as cluster,
    ):
        cluster.json(PATH, {})
    assert "cannot be" in caught.value.message
    assert "kubectl get pods" in caught.value.hint
    assert "s3cret" not in "".join(traceback.format_exception(caught.value)) + caught.value.hint


def test_an_unknown_context_is_named(kubeconfig: Path) -> None:
    with (
        pytest.raises(BackendUnavailable) as caught,
        open_cluster(target(kubeconfig, "staging"), watch()),
    ):
        pass
    assert f"the context staging of {kubeconfig} cannot be used" in caught.value.message
    assert "kubectl --context staging get pods" in caught.value.hint


def test_a_slow_login_ends_at_the_time_limit(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(
        "current-context: prod\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n"
        "users: [{name: u, user: {exec: {command: sleep, apiVersion: v1, args: ['2']}}}]\n"
        "contexts: [{name: prod, context: {cluster: c, user: u}}]\n"
    )
    with (
        pytest.raises(BackendUnavailable, match=r"time limit of 0\.2 s"),
        open_cluster(target(path), watch(0.2)),
    ):
        pass


def test_a_refused_login_says_what_to_try(kubernetes: Any, kubeconfig: Path) -> None:
    kubernetes.json(PATH, {"kind": "Status", "message": "Unauthorized"}, status=401)
    with pytest.raises(BackendUnavailable, match="did not accept the login") as caught:
        ask(kubeconfig)
    assert "kubectl get pods" in caught.value.hint


def test_a_refusal_says_what_the_server_said(kubernetes: Any, kubeconfig: Path) -> None:
    message = 'pods is forbidden: User "x" cannot list resource "pods"'
    kubernetes.json(PATH, {"kind": "Status", "message": message}, status=403)
    with pytest.raises(ClusterRefused) as caught:
        ask(kubeconfig)
    assert (caught.value.status, caught.value.message) == (403, f"403 {message}")


def test_an_endless_refusal_is_cut(kubernetes: Any, kubeconfig: Path) -> None:
    kubernetes.endless(PATH, b"no " * 1000, status=500)
    with pytest.raises(ClusterRefused) as caught:
        ask(kubeconfig)
    assert len(caught.value.message) < 300


def test_a_redirection_is_not_followed(kubernetes: Any, kubeconfig: Path) -> None:
    kubernetes.redirect(PATH, f"{kubernetes.url}/elsewhere")
    kubernetes.json("/elsewhere", {})
    with pytest.raises(ClusterRefused, match="307"):
        ask(kubeconfig)
    assert kubernetes.paths() == [PATH]


def test_nobody_there_is_refused(tmp_path: Path, kubeconfig: Path, kubernetes: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        kubeconfig.write_text(
            kubeconfig.read_text().replace(
                kubernetes.url, f"http://127.0.0.1:{free.getsockname()[1]}"
            )
        )
        with pytest.raises(BackendUnavailable, match="connection was refused"):
            ask(kubeconfig)


def test_a_server_without_tls_is_said(kubernetes: Any, kubeconfig: Path) -> None:
    kubeconfig.write_text(kubeconfig.read_text().replace("http://", "https://"))
    with pytest.raises(BackendUnavailable, match="does not speak TLS"):
        ask(kubeconfig)


def test_a_body_that_stops_coming_ends_at_the_limit_of_a_wait(
    kubernetes: Any, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.logs.sources.kube_cluster._MAX_WAIT_S", 0.2)
    kubernetes.stalls(PATH, b'{"items": ')
    with pytest.raises(BackendUnavailable, match="nothing came any more"):
        ask(kubeconfig)


def test_json_without_an_end_is_cut(
    kubernetes: Any, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.logs.sources.bodies.MAX_JSON_BYTES", 100_000)
    kubernetes.endless(PATH, b"[" * 10_000)
    with pytest.raises(BackendUnavailable, match=r"larger than 97\.7 KiB"):
        ask(kubeconfig)


def test_silence_ends_at_the_time_limit(kubernetes: Any, kubeconfig: Path) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        kubeconfig.write_text(kubeconfig.read_text().replace(kubernetes.url, url))
        with pytest.raises(BackendUnavailable, match="no answer in time"):
            ask(kubeconfig, 0.3)


def test_json_that_ends_early_is_an_error(kubernetes: Any, kubeconfig: Path) -> None:
    kubernetes.raw(PATH, b'{"items": [', ends=False)
    with pytest.raises(BackendUnavailable, match="was not read to its end"):
        ask(kubeconfig)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000])
def test_what_is_no_json_is_an_error(kubernetes: Any, kubeconfig: Path, body: bytes) -> None:
    kubernetes.raw(PATH, body)
    with pytest.raises(BackendUnavailable, match="no JSON"):
        ask(kubeconfig)
