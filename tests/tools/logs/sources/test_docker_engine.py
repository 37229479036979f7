from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from tools.errors import BackendUnavailable
from tools.logs.sources.docker_engine import DockerRefused, open_engine
from tools.logs.sources.watch import FetchLimits, FetchWatch


def watch(timeout_s: float = 10.0) -> FetchWatch:
    return FetchWatch(FetchLimits(timeout_s=timeout_s))


def reach(url: str, timeout_s: float = 10.0) -> BackendUnavailable:
    with pytest.raises(BackendUnavailable) as caught, open_engine(url, watch(timeout_s)):
        pass
    return caught.value


def test_the_engine_of_docker_host_is_asked_in_its_own_version(docker: Any) -> None:
    docker.json("/v1.44/info", {"Name": "box"})
    with open_engine("", watch()) as engine:
        assert engine.json("/info", {"a": 1}) == {"Name": "box"}
    assert docker.query("/v1.44/info") == {"a": "1"}


def test_a_missing_socket_says_so(short_dir: Path) -> None:
    error = reach(f"unix://{short_dir}/none.sock")
    assert f"{short_dir}/none.sock is not there: no such socket" in error.message
    assert "DOCKER_HOST" in error.hint


def test_a_socket_nobody_listens_on_is_refused(short_dir: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(f"{short_dir}/dead.sock")
    assert "connection refused" in reach(f"unix://{short_dir}/dead.sock").message


def test_a_forbidden_socket_names_the_group(users_folder: Path) -> None:
    path = users_folder / "d.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        path.chmod(0)
        error = reach(f"unix://{path}")
    assert "may not open the socket" in error.message
    assert "group docker" in error.hint


def test_silence_ends_at_the_time_limit(short_dir: Path) -> None:
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(f"{short_dir}/mute.sock")
        mute.listen()
        error = reach(f"unix://{short_dir}/mute.sock", 0.2)
    assert "in time" in error.message or "the time limit of 0.2 s was reached" in error.message


def test_another_server_is_no_engine(docker: Any) -> None:
    docker.raw("/version", b"<html>Welcome")
    assert "does not answer as one" in reach("").message


@pytest.mark.parametrize("url", ["ftp://box", "unix//x", "tcp://127.0.0.1:port", "tcp://[::1"])
def test_what_is_no_address_is_an_error_too(url: str) -> None:
    assert "docker engine" in reach(url).message


def test_a_password_in_the_address_is_not_shown() -> None:
    error = reach("tcp://ops:s3cret@127.0.0.1:1")
    assert "127.0.0.1:1" in error.message
    assert "s3cret" not in error.message + error.hint


@pytest.mark.parametrize("version", ["banana", "", 3, None, "1.1"])
def test_an_odd_version_is_an_error_too(docker: Any, version: object) -> None:
    docker.json("/version", {"ApiVersion": version})
    assert "does not answer as one" in reach("").message


def test_missing_certificates_are_an_error_too(
    short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CERT_PATH", str(short_dir))
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    assert "does not answer as one" in reach("tcp://127.0.0.1:1").message


def test_a_redirection_is_not_followed(docker: Any) -> None:
    docker.redirect("/v1.44/info", "/v1.44/elsewhere")
    docker.json("/v1.44/elsewhere", {})
    with open_engine("", watch()) as engine, pytest.raises(DockerRefused, match="307"):
        engine.json("/info", {})
    assert "/v1.44/elsewhere" not in docker.paths()


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"message": "page not\\nfound"}', "500 page not found"),
        (b"<html>\x1b[2Jproxy", "500 <html>?[2Jproxy"),
        (b'{"error": 1}', '500 {"error": 1}'),
        (b"", "500"),
    ],
)
def test_a_refusal_says_what_the_engine_said(docker: Any, body: bytes, shown: str) -> None:
    docker.raw("/v1.44/info", body, status=500)
    with open_engine("", watch()) as engine, pytest.raises(DockerRefused) as caught:
        engine.json("/info", {})
    assert caught.value.message == shown


def test_an_endless_refusal_is_cut(docker: Any) -> None:
    docker.endless("/v1.44/info", b"no " * 1000, status=500)
    with open_engine("", watch()) as engine, pytest.raises(DockerRefused) as caught:
        engine.json("/info", {})
    assert len(caught.value.message) < 300


def test_json_that_ends_early_is_an_error(docker: Any) -> None:
    docker.raw("/v1.44/info", b'{"Name": ', ends=False)
    with open_engine("", watch()) as engine, pytest.raises(BackendUnavailable, match="broke off"):
        engine.json("/info", {})
