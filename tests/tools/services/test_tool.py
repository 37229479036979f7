from dataclasses import dataclass, field
from pathlib import Path

from tools.errors import BackendUnavailable
from tools.result import Status
from tools.scope import ServiceState
from tools.services.tool import MAX_FINDINGS, list_services_tool


@dataclass
class FakeBackend:
    states: list[ServiceState] = field(default_factory=list)
    error: BackendUnavailable | None = None
    name: str = "supervisor"

    def list_services(self) -> list[ServiceState]:
        if self.error:
            raise self.error
        return self.states


def running(name: str) -> ServiceState:
    return ServiceState(name, "RUNNING", True, "running for 3 min", pid=7)


FATAL = ServiceState(
    "payments", "FATAL", False, "failed to start,\n given up", log_paths=(Path("/var/p.log"),)
)
STOPPED = ServiceState("worker", "STOPPED", False, "stopped at 12:00:00 UTC")
FINISHED = ServiceState(
    "migrate", "EXITED", True, "exited with status 0, as expected,", exit_status=0
)


def test_unhealthy_services_come_first() -> None:
    result = list_services_tool([FakeBackend([running("front"), STOPPED, FINISHED, FATAL])])
    assert result.status is Status.OK
    assert [finding.source for finding in result.findings] == [
        "supervisor:payments",
        "supervisor:worker",
        "supervisor:migrate",
        "supervisor:front",
    ]
    suspicions = [finding.suspicion for finding in result.findings]
    assert suspicions[0] >= 0.9
    assert suspicions == sorted(suspicions, reverse=True)
    assert suspicions[-1] == 0.0


def test_a_finding_is_one_line_that_says_the_state() -> None:
    (finding,) = list_services_tool([FakeBackend([FATAL])]).findings
    assert finding.kind == "service"
    assert finding.text == "payments FATAL failed to start, given up"
    assert finding.note == "logs: /var/p.log"


def test_the_summary_counts_and_names() -> None:
    result = list_services_tool([FakeBackend([running("front"), STOPPED, FATAL])])
    assert result.summary == (
        "supervisor: 3 services looked at, 2 unhealthy: worker, payments.\nRunning: front."
    )


def test_many_running_services_are_folded_into_the_summary() -> None:
    backend = FakeBackend([*(running(f"web{n}") for n in range(20)), FATAL])
    result = list_services_tool([backend])
    assert [finding.source for finding in result.findings] == ["supervisor:payments"]
    assert result.omitted == 20
    assert "web0, web1" in result.summary
    assert "and 8 more" in result.summary
    assert "web19" not in result.summary


def test_many_unhealthy_services_are_cut_and_counted() -> None:
    backend = FakeBackend([ServiceState(f"w{n}", "FATAL", False) for n in range(30)])
    result = list_services_tool([backend])
    assert len(result.findings) == MAX_FINDINGS
    assert result.omitted == 30 - MAX_FINDINGS
    assert "30 services looked at, 30 unhealthy" in result.summary


def test_no_services_is_an_answer() -> None:
    result = list_services_tool([FakeBackend()])
    assert (result.status, result.findings) == (Status.NO_DATA, ())


def test_no_backend_and_no_answer_are_errors_that_say_unknown() -> None:
    error = BackendUnavailable("there is no supervisor socket at unix:///x", "start supervisord")
    for result in (
        list_services_tool([]),
        list_services_tool([FakeBackend(error=error)]),
    ):
        assert result.status is Status.ERROR
        assert "unknown" in result.summary
    assert "start supervisord" in result.summary


def test_the_worst_of_several_managers_comes_first() -> None:
    result = list_services_tool([FakeBackend([running("front")]), FakeBackend([FATAL, STOPPED])])
    assert [finding.suspicion for finding in result.findings] == sorted(
        (finding.suspicion for finding in result.findings), reverse=True
    )
    assert len(result.findings) == 3


def test_a_manager_that_is_down_hides_no_other() -> None:
    error = BackendUnavailable("it is down", "start it")
    result = list_services_tool([FakeBackend(error=error), FakeBackend([FATAL])])
    assert result.status is Status.OK
    assert "it is down" in result.summary
    assert len(result.findings) == 1


def test_what_rests_in_health_is_not_said_to_run() -> None:
    resting = [ServiceState("backup.service", "inactive", True), running("front")]
    result = list_services_tool([FakeBackend(resting)])
    assert "none is unhealthy.\nRunning: front." in result.summary
