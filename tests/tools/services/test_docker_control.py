"""The control of containers against a server that speaks the Docker Engine API, as recorded.

Through the real client library and a real socket; `test_docker_engine_real` has a real engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tools.errors import (
    ActionFailed,
    ActionRefused,
    BackendUnavailable,
    InvalidQuery,
    UnknownService,
)
from tools.logs.sources.docker_containers import DockerTarget
from tools.services.control import ServiceAction, Verb
from tools.services.docker_control import DockerControl
from tools.services.orders import Unconfirmed

API = "/v1.44/containers"
WEB = "4e5f" * 16
OTHER = "9a8b" * 16
NOT_FOUND = b'{"message":"No such container: 4e5f"}'


def described(container_id: str, name: str, **more: Any) -> dict[str, Any]:
    state = {
        "Status": "running",
        "Pid": 4711,
        "ExitCode": 0,
        "StartedAt": "2026-03-01T11:00:00.5Z",
        "FinishedAt": "0001-01-01T00:00:00Z",
    }
    config = {"Tty": False} | more.pop("Config", {})
    return {
        "Id": container_id,
        "Name": f"/{name}",
        "RestartCount": 0,
        "State": state | more.pop("State", {}),
        "Config": config,
        "HostConfig": {"AutoRemove": False},
    } | more


def serve(engine: Any, *containers: dict[str, Any]) -> None:
    listed = [{"Id": one["Id"], "Names": [one["Name"]]} for one in containers]
    engine.json(f"{API}/json", listed)
    for one in containers:
        engine.json(f"{API}/{one['Id']}/json", one)


@pytest.fixture
def engine(docker: Any) -> Any:
    """An engine with the containers `web` and `web-1`, which takes every order for them."""
    serve(docker, described(WEB, "web"), described(OTHER, "web-1"))
    for container_id in (WEB, OTHER):
        for verb in ("restart", "start", "stop"):
            docker.order("POST", f"{API}/{container_id}/{verb}", 204)
    return docker


def control(**settings: Any) -> DockerControl:
    return DockerControl(**({"own_ids": frozenset()} | settings))


def action(verb: Verb = "restart", service: str = "web", backend: str = "docker") -> ServiceAction:
    return ServiceAction(verb, backend, service)


@pytest.mark.parametrize("verb", ["restart", "start", "stop"])
def test_exactly_one_order_for_exactly_this_container_is_sent(engine: Any, verb: Verb) -> None:
    control().act(action(verb))
    (order,) = engine.ordered()
    assert (order.method, order.path) == ("POST", f"{API}/{WEB}/{verb}")
    # The container's own time to stop is not overruled.
    assert (order.query, order.body) == ({}, b"")


def test_what_is_so_already_is_no_failure(engine: Any) -> None:
    engine.order("POST", f"{API}/{WEB}/start", 304)
    control().act(action("start"))
    assert len(engine.ordered()) == 1


@pytest.mark.parametrize("verb", ["scale", "delete", "kill", "restart?t=0", ""])
def test_other_verbs_reach_no_engine(engine: Any, verb: Any) -> None:
    with pytest.raises(InvalidQuery, match="nothing that docker does"):
        control().act(action(verb))
    assert engine.requests == []


def test_an_action_for_another_manager_reaches_no_engine(engine: Any) -> None:
    with pytest.raises(InvalidQuery):
        control().act(action(backend="podman"))
    assert engine.requests == []


@pytest.mark.parametrize(
    "service",
    [
        "",
        ".",
        "..",
        "../web",
        "web/../web-1",
        "web/restart",
        "web?t=0",
        "web#",
        "web%2f..",
        "web\n",
        "web\r\nPOST / HTTP/1.1",
        "web\x00",
        " web",
        "-web",
        "--help",
        "*",
        "we[b]",
        "wеb",  # noqa: RUF001  (a Cyrillic letter)
        "web\u200b",
        "/web",
    ],
)
@pytest.mark.parametrize("what", ["act", "state", "log_tail"])
def test_a_hostile_name_is_nobody_s(engine: Any, service: str, what: str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "act": lambda: control().act(action(service=service)),
        "state": lambda: control().state(service),
        "log_tail": lambda: control().log_tail(service, 5),
    }
    with pytest.raises(UnknownService):
        calls[what]()
    # Not even the list of containers is asked for.
    assert engine.paths() == ["/version"]


@pytest.mark.parametrize("service", [WEB, WEB[:12], "Web", "we", "web-", "db", "w" * 5000])
def test_neither_ids_nor_parts_of_names_are_names(engine: Any, service: str) -> None:
    with pytest.raises(UnknownService, match="docker has no container named"):
        control().act(action(service=service))
    assert engine.ordered() == []


def test_the_alias_of_a_link_is_no_name(docker: Any) -> None:
    serve(docker, described(WEB, "web"))
    docker.json(f"{API}/json", [{"Id": WEB, "Names": ["/web", "/shop/db", "/db"]}])
    for alias in ("shop/db", "db"):
        with pytest.raises(UnknownService):
            control().act(action(service=alias))
    assert docker.ordered() == []


def test_a_name_that_two_containers_claim_is_nobody_s(docker: Any) -> None:
    serve(docker, described(WEB, "web"), described(OTHER, "web"))
    with pytest.raises(UnknownService):
        control().act(action())


def test_what_the_settings_name_and_nobody_has_is_said(
    engine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert control(target=DockerTarget(("db",))).list_services() == []
    assert "docker: there is no container db" in caplog.text


def test_what_the_settings_do_not_name_is_not_there(engine: Any) -> None:
    chosen = control(target=DockerTarget(("web-*",)))
    assert [service.name for service in chosen.list_services()] == ["web-1"]
    with pytest.raises(UnknownService):
        chosen.act(action(service="web"))
    assert engine.ordered() == []


def test_a_rename_after_the_list_is_noticed(engine: Any) -> None:
    engine.json(f"{API}/{WEB}/json", described(WEB, "web-old"))
    with pytest.raises(UnknownService):
        control().act(action())
    assert engine.ordered() == []


def test_a_rename_after_the_look_does_not_redirect_the_order(engine: Any) -> None:
    def look(request: Any) -> Any:
        answer = first(request)
        serve(engine, described(WEB, "web-old"), described(OTHER, "web"))
        return answer

    first = engine.routes[f"{API}/{WEB}/json"]
    engine.routes[f"{API}/{WEB}/json"] = look
    control().act(action())
    assert [order.path for order in engine.ordered()] == [f"{API}/{WEB}/restart"]


def test_a_container_that_went_after_the_list_is_unknown(engine: Any) -> None:
    engine.raw(f"{API}/{WEB}/json", NOT_FOUND, status=404)
    with pytest.raises(UnknownService):
        control().state("web")


def test_an_engine_that_describes_another_one_is_not_believed(engine: Any) -> None:
    engine.json(f"{API}/{WEB}/json", described(OTHER, "web"))
    with pytest.raises(UnknownService):
        control().act(action())
    assert engine.ordered() == []


def test_the_container_around_midwatch_is_left_alone(engine: Any) -> None:
    for verb in ("restart", "start", "stop"):
        with pytest.raises(ActionRefused, match="midwatch itself runs in the container web"):
            control(own_ids=frozenset({WEB})).act(action(verb))
    control(own_ids=frozenset({WEB})).act(action(service="web-1"))
    assert [order.path for order in engine.ordered()] == [f"{API}/{OTHER}/restart"]


def test_a_container_that_its_end_deletes_is_not_stopped(engine: Any) -> None:
    engine.json(f"{API}/{WEB}/json", described(WEB, "web", HostConfig={"AutoRemove": True}))
    with pytest.raises(ActionRefused, match="would delete it"):
        control().act(action("stop"))
    assert engine.ordered() == []
    control().act(action("restart"))
    assert len(engine.ordered()) == 1


@pytest.mark.parametrize(
    ("status", "kind", "message", "hint"),
    [
        (404, UnknownService, "docker has no container named 'web'", "midwatch services list"),
        (403, ActionFailed, "docker did not restart web: 403 nope", "authorization plugin"),
        (409, ActionFailed, "docker did not restart web: 409 nope", "try again when nothing else"),
        (500, ActionFailed, "docker did not restart web: 500 nope", "docker logs web"),
        (307, ActionFailed, "docker did not restart web: 307 nope", "docker logs web"),
        (200, ActionFailed, "docker did not restart web: 200 nope", "docker logs web"),
    ],
)
def test_each_refusal_says_what_to_do(
    engine: Any, status: int, kind: type[ActionFailed], message: str, hint: str
) -> None:
    engine.order("POST", f"{API}/{WEB}/restart", status, b'{"message":"nope"}')
    with pytest.raises(kind) as caught:
        control().act(action())
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert len(engine.ordered()) == 1


def test_an_order_without_an_answer_is_in_doubt_and_not_repeated(engine: Any) -> None:
    engine.breaks_off("POST", f"{API}/{WEB}/restart")
    with pytest.raises(Unconfirmed, match="may have taken place all the same") as caught:
        control().act(action())
    assert "look at its state" in caught.value.hint
    assert len(engine.ordered()) == 1


def test_the_wait_for_an_order_ends(engine: Any) -> None:
    engine.is_silent("POST", f"{API}/{WEB}/stop")
    with pytest.raises(Unconfirmed, match="gave no answer in time; it may have taken place"):
        control(act_timeout_s=0.2).act(action("stop"))
    assert len(engine.ordered()) == 1


def test_without_an_engine_nothing_was_ordered() -> None:
    nowhere = control(target=DockerTarget(url="unix:///nonexistent/d.sock"))
    with pytest.raises(ActionFailed, match=r"docker was not told to restart web: .*not there"):
        nowhere.act(action())
    for call in (
        lambda: nowhere.state("web"),
        lambda: nowhere.log_tail("web", 1),
        nowhere.list_services,
    ):
        with pytest.raises(BackendUnavailable, match="is not there"):
            call()


def test_a_look_that_is_refused_says_so(engine: Any) -> None:
    engine.raw(f"{API}/{WEB}/json", b'{"message":"denied"}', status=403)
    with pytest.raises(BackendUnavailable, match="does not describe the container: 403 denied"):
        control().state("web")
    with pytest.raises(ActionFailed, match=r"was not told to restart web: .*403 denied"):
        control().act(action())
    assert engine.ordered() == []


def test_states_are_those_of_all_containers(engine: Any) -> None:
    states = control().list_services()
    assert [(state.name, state.state, state.is_healthy) for state in states] == [
        ("web", "running", True),
        ("web-1", "running", True),
    ]
    assert control().state("web") == states[0]
    assert engine.ordered() == []


def test_an_ended_container_has_its_exit_code_and_time(docker: Any) -> None:
    ended = {"Status": "exited", "Pid": 0, "ExitCode": 137, "FinishedAt": "2026-03-01T11:30:00Z"}
    serve(docker, described(WEB, "web", State=ended))
    state = control().state("web")
    assert (state.state, state.is_healthy, state.exit_status) == ("exited", False, 137)
    assert state.since is not None
    assert f"{state.since:%H:%M}" == "11:30"


@pytest.mark.parametrize(
    ("status", "health", "state", "is_healthy"),
    [
        ("running", "starting", "starting", False),
        ("running", "healthy", "running", True),
        ("running", "unhealthy", "running", False),
        ("exited", "starting", "exited", True),
    ],
)
def test_a_health_check_has_to_answer_first(
    docker: Any, status: str, health: str, state: str, is_healthy: bool
) -> None:
    serve(docker, described(WEB, "web", State={"Status": status, "Health": {"Status": health}}))
    for found in (control().state("web"), *control().list_services()):
        assert (found.state, found.is_healthy) == (state, is_healthy)
        assert ("has not answered yet" in found.description) is (state == "starting")


def frame(stream: int, text: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


def test_the_tail_is_asked_for_by_id_and_taken_apart(engine: Any) -> None:
    body = frame(1, b"T1 up\n") + frame(2, b"T2 oh \xff no\r\n") + frame(1, b"T3 half")
    engine.raw(f"{API}/{WEB}/logs", body[:30], body[30:])
    assert control().log_tail("web", 3) == ("T1 up", "T2 oh � no", "T3 half")
    assert control().log_tail("web", 2) == ("T2 oh � no", "T3 half")
    assert engine.query(f"{API}/{WEB}/logs") == {
        "stdout": "1",
        "stderr": "1",
        "timestamps": "1",
        "tail": "2",
    }


def test_the_log_of_a_terminal_is_plain(docker: Any) -> None:
    serve(docker, described(WEB, "web", Config={"Tty": True}))
    docker.raw(f"{API}/{WEB}/logs", b"one\r\n\r\ntwo\r\n")
    assert control().log_tail("web", 9) == ("one", "", "two")


@pytest.mark.parametrize("max_lines", [0, -1])
def test_no_lines_are_none(engine: Any, max_lines: int) -> None:
    assert control().log_tail("web", max_lines) == ()
    assert f"{API}/{WEB}/logs" not in engine.paths()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, NOT_FOUND, UnknownService),
        (403, b'{"message":"denied"}', BackendUnavailable),
        (500, b'{"message":"broken"}', BackendUnavailable),
    ],
)
def test_a_log_that_is_refused(
    engine: Any, status: int, body: bytes, kind: type[Exception]
) -> None:
    engine.raw(f"{API}/{WEB}/logs", body, status=status)
    with pytest.raises(kind):
        control().log_tail("web", 5)


def test_a_log_driver_that_keeps_nothing_has_no_lines(engine: Any) -> None:
    said = b'{"message":"configured logging driver does not support reading"}'
    engine.raw(f"{API}/{WEB}/logs", said, status=501)
    assert control().log_tail("web", 5) == ()
