from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tools.errors import BackendUnavailable
from tools.logs.sources.docker_containers import DockerTarget, Inspected
from tools.logs.sources.docker_states import DockerBackend, state_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NEVER = "0001-01-01T00:00:00Z"


def container(restarts: int = 0, **state: Any) -> Inspected:
    described = {
        "Id": "4e5f",
        "Name": "/web",
        "RestartCount": restarts,
        "State": {"StartedAt": "2026-03-01T11:00:00.5Z", "FinishedAt": NEVER} | state,
    }
    return Inspected.model_validate(described)


def ended(code: int, **state: Any) -> dict[str, Any]:
    return {"Status": "exited", "ExitCode": code, "FinishedAt": "2026-03-01T11:30:00Z", **state}


@pytest.mark.parametrize(
    ("restarts", "state", "is_healthy", "description"),
    [
        (0, {"Status": "running"}, True, "running since 2026-03-01 11:00:00 UTC"),
        (
            0,
            {"Status": "running", "Health": {"Status": "unhealthy", "FailingStreak": 7}},
            False,
            "running since 2026-03-01 11:00:00 UTC; its health check has failed 7 times in a row",
        ),
        (0, {"Status": "running", "Health": {"Status": "starting"}}, True, "running since"),
        (5, {"Status": "running"}, True, "restarted 5 times by docker"),
        (
            5,
            {"Status": "running", "StartedAt": "2026-03-01T11:58:00Z"},
            False,
            "restarted 5 times by docker; it may not stay up",
        ),
        (1, {"Status": "running", "StartedAt": "2026-03-01T11:58:00Z"}, True, "running since"),
        (0, ended(0), True, "exited with status 0 at 2026-03-01 11:30:00 UTC"),
        (0, ended(1), False, "exited with status 1 at 2026-03-01 11:30:00 UTC"),
        (0, ended(143), False, "exited with status 143 (SIGTERM) at"),
        (
            0,
            ended(137, OOMKilled=True),
            False,
            "exited with status 137 (SIGKILL) at 2026-03-01 11:30:00 UTC; "
            "killed because it was out of memory (OOMKilled)",
        ),
        (
            9,
            ended(1) | {"Status": "restarting"},
            False,
            "being restarted after it exited with status 1 at",
        ),
        (0, {"Status": "created", "StartedAt": NEVER}, True, "never started"),
        (
            0,
            {"Status": "created", "StartedAt": NEVER, "Error": "port is already\nallocated"},
            False,
            "never started; error: port is already allocated",
        ),
        (0, {"Status": "paused"}, False, "paused since"),
        (0, {"Status": "dead"}, False, "exited with status 0"),
        (0, {"Status": "removing"}, False, "removing"),
    ],
)
def test_each_state_in_words(
    restarts: int, state: dict[str, Any], is_healthy: bool, description: str
) -> None:
    service = state_of(container(restarts, **state), NOW)
    assert (service.name, service.state) == ("web", state["Status"])
    assert service.is_healthy is is_healthy
    assert description in service.description


def test_pid_exit_status_and_time_stand_only_where_they_are_known() -> None:
    running = state_of(container(Status="running", Pid=42, ExitCode=0), NOW)
    assert (running.pid, running.exit_status) == (42, None)
    assert running.since == datetime(2026, 3, 1, 11, 0, 0, 500000, tzinfo=UTC)
    stopped = state_of(container(**ended(3)), NOW)
    assert (stopped.pid, stopped.exit_status) == (None, 3)
    assert stopped.since == datetime(2026, 3, 1, 11, 30, tzinfo=UTC)
    unborn = state_of(container(Status="created", StartedAt=NEVER), NOW)
    assert (unborn.since, unborn.exit_status) == (None, None)


def test_the_containers_of_the_engine_are_services(docker: Any) -> None:
    listed = [{"Id": "a", "Names": ["/web"]}, {"Id": "b", "Names": ["/db", "/web/db"]}]
    docker.json("/v1.44/containers/json", listed)
    for number, name in (("a", "web"), ("b", "db")):
        described = {"Id": number, "Name": f"/{name}", "State": {"Status": "running", "Pid": 1}}
        docker.json(f"/v1.44/containers/{number}/json", described)
    names = [service.name for service in DockerBackend().list_services()]
    chosen = [service.name for service in DockerBackend(DockerTarget(("d*",))).list_services()]
    assert (names, chosen) == (["web", "db"], ["db"])
    assert docker.query("/v1.44/containers/json") == {"all": "1"}
    assert {request.method for request in docker.requests} == {"GET"}


def test_without_an_engine_the_states_are_unknown() -> None:
    with pytest.raises(BackendUnavailable):
        DockerBackend(DockerTarget(url="unix:///nonexistent/d.sock")).list_services()
