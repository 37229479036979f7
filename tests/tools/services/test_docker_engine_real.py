"""The control of containers against a real engine: the one at DOCKER_HOST or at the usual socket.

Skipped where none answers. It needs no registry: its image is this machine's own shell. Only
containers and images that were made here are touched.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tools.errors import ActionFailed, ActionRefused, BackendUnavailable, UnknownService
from tools.logs.sources.docker_engine import open_engine
from tools.logs.sources.watch import FetchLimits, FetchWatch
from tools.scope import ServiceState
from tools.services import docker_control
from tools.services.control import ServiceAction, Verb
from tools.services.docker_control import DockerControl
from tools.services.orders import Unconfirmed
from tools.services.own_containers import own_container_ids

pytestmark = pytest.mark.system

_PROGRAMS = ("/bin/sh", "/bin/sleep", "/bin/cat")
_SERVE = "echo up; trap 'echo bye; exit 0' TERM; while :; do sleep 0.1; done"
_STUBBORN = "trap '' TERM; while :; do sleep 0.1; done"


def _image() -> bytes:
    """A root file system of a few programs and the libraries that they need."""
    needed: dict[str, None] = dict.fromkeys(_PROGRAMS)
    for program in _PROGRAMS:
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
        needed |= dict.fromkeys(re.findall(r"(/\S+) \(0x", listed.stdout))
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for path in needed:
            tar.add(Path(path).resolve(), path.lstrip("/"))
    return made.getvalue()


@dataclass
class Engine:
    """A real engine, and what the tests make in it."""

    client: Any
    image: str
    made: list[str]

    def run(self, *command: str, name: str = "", **settings: Any) -> str:
        """The name of a new container that runs `command`."""
        name = name or f"mw-{uuid.uuid4().hex[:12]}"
        host = self.client.create_host_config(network_mode="none", **settings.pop("host", {}))
        container = self.client.create_container(
            self.image, ["/bin/sh", "-c", *command], name=name, host_config=host, **settings
        )
        self.made.append(container["Id"])
        return name

    def started(self, *command: str, **settings: Any) -> str:
        name = self.run(*command, **settings)
        self.client.start(name)
        return name

    def look(self, name: str) -> dict[str, Any]:
        return dict(self.client.inspect_container(name))

    def clear(self) -> None:
        for container_id in self.made:
            with _gone_is_fine():
                self.client.remove_container(container_id, force=True, v=True)
        self.made.clear()


def _gone_is_fine() -> AbstractContextManager[None]:
    from docker.errors import NotFound

    return suppress(NotFound)


@pytest.fixture(scope="module")
def real() -> Iterator[Engine]:
    from docker import APIClient
    from docker.utils import kwargs_from_env

    try:
        with open_engine("", FetchWatch(FetchLimits(timeout_s=5.0))):
            pass
    except BackendUnavailable as error:
        pytest.skip(f"no docker engine answers: {error.message}")
    client = APIClient(version="auto", timeout=60, **kwargs_from_env())
    image = f"midwatch-test:{uuid.uuid4().hex[:12]}"
    repository, _, tag = image.partition(":")
    client.import_image_from_data(_image(), repository=repository, tag=tag)
    try:
        yield Engine(client, image, [])
    finally:
        client.remove_image(image, force=True)
        client.close()


@pytest.fixture
def engine(real: Engine) -> Iterator[Engine]:
    try:
        yield real
    finally:
        real.clear()


def act(verb: Verb, service: str, **settings: Any) -> None:
    DockerControl(**settings).act(ServiceAction(verb, "docker", service))


def state(service: str) -> ServiceState:
    return DockerControl().state(service)


def until(is_so: Callable[[], bool], timeout_s: float = 30.0) -> None:
    end = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_each_verb_has_its_effect(engine: Engine) -> None:
    web = engine.started(_SERVE)
    until(lambda: "up" in str(engine.client.logs(web)))
    first = state(web)
    assert (first.state, first.is_healthy) == ("running", True)

    act("restart", web)
    second = state(web)
    assert second.state == "running"
    assert (second.pid, second.since) != (first.pid, first.since)

    act("stop", web)
    stopped = state(web)
    assert (stopped.state, stopped.pid) == ("exited", None)
    act("stop", web)

    act("start", web)
    assert state(web).state == "running"
    act("start", web)


def test_all_containers_are_listed_with_exit_code_and_time(engine: Engine) -> None:
    up, failed, unborn = engine.started(_SERVE), engine.started("exit 3"), engine.run(_SERVE)
    until(lambda: state(failed).state == "exited")
    listed = {service.name: service for service in DockerControl().list_services()}
    assert (listed[up].state, listed[up].is_healthy) == ("running", True)
    assert (listed[failed].exit_status, listed[failed].is_healthy) == (3, False)
    assert listed[failed].since is not None
    assert (listed[unborn].state, listed[unborn].since) == ("created", None)


def test_only_the_container_of_exactly_this_name_is_touched(engine: Engine) -> None:
    web = engine.started(_SERVE)
    near = engine.started(_SERVE, name=f"{web}-1")
    before = engine.look(near)["State"]
    act("restart", web)
    assert engine.look(near)["State"] == before
    for name in (web[:-1], web.upper(), engine.look(web)["Id"], engine.look(web)["Id"][:12]):
        with pytest.raises(UnknownService):
            act("stop", name)
    assert state(web).state == state(near).state == "running"


def test_a_rename_in_between_does_not_redirect_the_order(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    web, other = engine.started(_SERVE), engine.started(_SERVE)
    meant = engine.look(web)["Id"]
    find = docker_control._find

    def find_and_rename(*arguments: Any) -> Any:
        found = find(*arguments)
        engine.client.rename(web, f"{web}-old")
        engine.client.rename(other, web)
        return found

    monkeypatch.setattr(docker_control, "_find", find_and_rename)
    act("stop", web)
    assert engine.look(meant)["State"]["Status"] == "exited"
    assert engine.look(web)["State"]["Status"] == "running"


def test_a_container_made_with_rm_is_not_stopped(engine: Engine) -> None:
    web = engine.started(_SERVE, host={"auto_remove": True})
    with pytest.raises(ActionRefused, match="would delete it"):
        act("stop", web)
    act("restart", web)
    assert state(web).state == "running"


def test_a_program_that_is_not_there_is_the_engine_s_refusal(engine: Engine) -> None:
    web = engine.run(_SERVE, entrypoint=["/bin/none"])
    with pytest.raises(ActionFailed, match="/bin/none"):
        act("start", web)
    assert "/bin/none" in state(web).description


def test_the_time_a_container_has_to_stop_is_its_own(engine: Engine) -> None:
    web = engine.started(_STUBBORN, stop_timeout=2)
    with pytest.raises(Unconfirmed, match="may have taken place all the same"):
        act("stop", web, act_timeout_s=0.3)
    until(lambda: state(web).state == "exited")
    assert state(web).exit_status == 137


def checked_every(interval_s: float) -> dict[str, Any]:
    check = ["CMD", "/bin/cat", "/healthy"]
    return {"test": check, "interval": round(interval_s * 1e9), "retries": 1}


def test_a_health_check_has_to_answer_first(engine: Engine) -> None:
    waiting = engine.started(_SERVE, healthcheck=checked_every(3600.0))
    failing = engine.started(_SERVE, healthcheck=checked_every(0.3))
    assert (state(waiting).state, state(waiting).is_healthy) == ("starting", False)
    until(lambda: engine.look(failing)["State"]["Health"]["Status"] == "unhealthy")
    assert (state(failing).state, state(failing).is_healthy) == ("running", False)
    assert "health check has failed" in state(failing).description


def test_a_container_that_midwatch_runs_in_finds_itself(engine: Engine, tmp_path: Path) -> None:
    for name in ("cgroup", "mountinfo"):
        inside = engine.started(f"cat /proc/self/{name}")
        until(lambda inside=inside: state(inside).state == "exited")  # type: ignore[misc]
        (tmp_path / name).write_bytes(engine.client.logs(inside))
        own = own_container_ids(tmp_path)
        assert engine.look(inside)["Id"] in own
        with pytest.raises(ActionRefused, match="midwatch itself runs in"):
            act("start", inside, own_ids=own)


@pytest.mark.parametrize("has_tty", [False, True])
def test_the_tail_of_a_real_log(engine: Engine, has_tty: bool) -> None:
    web = engine.started("echo one; echo two >&2; sleep 0.2; echo three", tty=has_tty)
    until(lambda: state(web).state == "exited")
    lines = DockerControl().log_tail(web, 2)
    assert [line.partition(" ")[2] for line in lines] == ["two", "three"]
    assert all(re.match(r"\d{4}-\d\d-\d\dT", line) for line in lines)
    assert len(DockerControl().log_tail(web, 100)) == 3


def test_a_log_driver_that_keeps_nothing_has_no_lines(engine: Engine) -> None:
    web = engine.started("echo one", host={"log_config": {"type": "none", "config": {}}})
    until(lambda: state(web).state == "exited")
    assert DockerControl().log_tail(web, 5) == ()
