from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from tools.errors import ActionFailed, ActionRefused, BackendUnavailable, UnknownService
from tools.evidence import Finding
from tools.scope import ServiceState
from tools.services.control import VERBS, ServiceAction, Verb
from tools.services.operation import Operation
from tools.services.permits import Permits
from tools.services.report import Health, OperationReport, Step
from tools.services.verification import Timing

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OLD_ERROR = "ERROR no such table: orders"
ALLOW = ["supervisor:web:restart,start,stop,scale,delete"]


def state(word: str, pid: int | None = None, second: int = 0) -> ServiceState:
    since = NOON + timedelta(seconds=second)
    return ServiceState("web", word, word == "RUNNING", f"{word.lower()} here", pid, since)


UP = state("RUNNING", 7)
ANEW = state("RUNNING", 8, 60)
STARTING = state("STARTING", 8, 60)
FATAL = state("FATAL", None, 61)
STOPPED = state("STOPPED", None, 60)


@dataclass
class Clock:
    """Time that passes by sleeping alone."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class ScriptedControl:
    """One service: `before` until the act, then `after` state by state, the last for ever.

    An exception among the states is raised; None is a service that is not listed. The log is
    `log_before`, and grows by a line of `log_after` each time it is read after the act.
    """

    before: ServiceState
    after: list[ServiceState | BackendUnavailable | None]
    log_before: list[str] = field(default_factory=list)
    log_after: list[str] = field(default_factory=list)
    refusal: Exception | None = None
    orders: list[ServiceAction] = field(default_factory=list)
    name: str = "supervisor"
    verbs: frozenset[Verb] = frozenset(VERBS)

    def list_services(self) -> list[ServiceState]:
        return [self.before]

    def state(self, service: str) -> ServiceState:
        if not self.orders:
            return self.before
        now = self.after.pop(0) if len(self.after) > 1 else self.after[0]
        if now is None:
            raise UnknownService(service)
        if isinstance(now, BackendUnavailable):
            raise now
        return now

    def act(self, action: ServiceAction) -> None:
        self.orders.append(action)
        if self.refusal:
            raise self.refusal

    def log_tail(self, service: str, max_lines: int) -> tuple[str, ...]:
        if self.orders and self.log_after:
            self.log_before.append(self.log_after.pop(0))
        return tuple(self.log_before)


@dataclass
class ScalingScript(ScriptedControl):
    """The same with a number of replicas, which an order changes."""

    count: int = 3

    def replicas(self, service: str) -> int:
        wanted = self.orders[-1].replicas if self.orders else None
        return self.count if wanted is None else wanted


def carry_out(
    control: ScriptedControl,
    verb: Verb = "restart",
    *,
    expected: str = "",
    replicas: int | None = None,
    health: Callable[[], Health] | None = None,
    steps: list[Step] | None = None,
) -> OperationReport:
    clock = Clock()
    operation = Operation(
        control, Permits.parse(ALLOW), Timing(), health, clock=clock, sleep=clock.sleep
    )
    action = ServiceAction(verb, "supervisor", "web", replicas)
    return operation.carry_out(action, expected, steps.append if steps is not None else None)


def test_a_restart_that_works() -> None:
    control = ScriptedControl(UP, [STARTING, STARTING, ANEW], ["INFO served", OLD_ERROR])
    report = carry_out(control, expected="RUNNING")
    assert report.verdict == "worked"
    assert report.summary == ("web was restarted, and that worked: it is RUNNING (running here).")
    assert report.facts == (
        "Before the restart, web is RUNNING (running here).",
        "The end of its log was saved: 1 of 2 lines were errors.",
        "Supervisor is told to restart web.",
        "It is RUNNING (running here).",
        "It stayed so for 5 s.",
        "It has logged nothing; before, 1 of 2 lines were errors.",
    )
    assert (report.before, report.after, report.undo) == (UP, ANEW, None)
    assert control.orders == [ServiceAction("restart", "supervisor", "web")]


def test_the_evidence_is_verbatim_and_says_when() -> None:
    control = ScriptedControl(UP, [ANEW], [OLD_ERROR], ["INFO up", OLD_ERROR])
    report = carry_out(control)
    assert report.findings == (
        Finding(
            "service", "supervisor:web", "web RUNNING running here", None, "before the restart"
        ),
        Finding(
            "log", "supervisor:web", OLD_ERROR, None, "before the restart, 1 of this kind", 0.5
        ),
        Finding("log", "supervisor:web", OLD_ERROR, None, "after the restart, 1 of this kind", 0.8),
        Finding("service", "supervisor:web", "web RUNNING running here", None, "after the restart"),
    )


def test_without_errors_the_newest_line_is_evidence() -> None:
    report = carry_out(ScriptedControl(UP, [ANEW], ["INFO up", "INFO served"]))
    note = "the newest line before the restart"
    assert report.findings[1] == Finding("log", "supervisor:web", "INFO served", None, note, 0.1)
    assert report.log_before == ("INFO up", "INFO served")


def test_the_log_is_handed_on_before_the_act() -> None:
    control = ScriptedControl(UP, [ANEW], ["INFO served", OLD_ERROR])
    orders_at: dict[str, int] = {}
    lines: list[str] = []

    def watch(step: Step) -> None:
        orders_at[step.stage] = len(control.orders)
        lines.extend(step.lines)

    clock = Clock()
    operation = Operation(control, Permits.parse(ALLOW), clock=clock, sleep=clock.sleep)
    operation.carry_out(ServiceAction("restart", "supervisor", "web"), progress=watch)
    assert list(orders_at) == ["checked", "saved", "acting", "settled", "steady", "log"]
    assert [orders_at[stage] for stage in ("checked", "saved", "acting")] == [0, 0, 0]
    assert orders_at["settled"] == 1
    assert lines == ["INFO served", OLD_ERROR]


def test_what_cannot_be_recorded_is_not_done() -> None:
    control = ScriptedControl(UP, [ANEW])

    def refuse(step: Step) -> None:
        raise RuntimeError("the audit cannot be written")

    with pytest.raises(RuntimeError):
        Operation(control, Permits.parse(ALLOW)).carry_out(
            ServiceAction("restart", "supervisor", "web"), progress=refuse
        )
    assert control.orders == []


def test_the_allow_list_is_asked_once_more() -> None:
    control = ScriptedControl(UP, [ANEW])
    with pytest.raises(ActionRefused, match="may not act on any service"):
        Operation(control, Permits()).carry_out(ServiceAction("restart", "supervisor", "web"))
    assert control.orders == []


def test_one_that_dies_at_once_was_not_helped() -> None:
    control = ScriptedControl(FATAL, [STARTING, state("FATAL", None, 90)], [OLD_ERROR], [OLD_ERROR])
    report = carry_out(control)
    assert report.verdict == "did_not_help"
    assert report.summary.startswith("web was restarted, and that did not help: it is down: FATAL")
    assert "1 of 1 line since are errors" in report.facts[-1]


def test_one_that_dies_a_little_later_did_not_stay() -> None:
    report = carry_out(ScriptedControl(UP, [ANEW, ANEW, ANEW, FATAL]))
    assert report.verdict == "did_not_help"
    assert "it did not stay so: FATAL" in report.summary
    assert report.after == FATAL


def test_one_that_is_up_again_with_another_process_did_not_stay_either() -> None:
    report = carry_out(ScriptedControl(UP, [ANEW, ANEW, state("RUNNING", 9, 63)]))
    assert report.verdict == "did_not_help"
    assert "it did not stay so: RUNNING" in report.summary


def test_the_same_process_was_not_restarted() -> None:
    report = carry_out(ScriptedControl(UP, [UP]))
    assert report.verdict == "failed"
    assert report.summary == (
        "web was not restarted: after 60 s nothing has changed: RUNNING (running here)."
    )


def test_one_that_never_comes_up_is_waited_for_and_told() -> None:
    report = carry_out(ScriptedControl(UP, [STARTING]))
    assert report.verdict == "did_not_help"
    assert "after 60 s it is still STARTING" in report.summary


def test_a_refused_order_is_a_failure() -> None:
    refusal = ActionFailed("supervisor did not do it", "supervisor says 'NO_FILE'")
    report = carry_out(ScriptedControl(UP, [STOPPED], refusal=refusal))
    assert report.verdict == "failed"
    assert "supervisor did not do it (supervisor says 'NO_FILE')" in report.summary
    assert report.after == STOPPED
    # A restart that only stopped it leaves something to be done.
    assert report.undo == ServiceAction("start", "supervisor", "web")


DOWN = BackendUnavailable("no supervisor answers", "start supervisord")


def test_a_manager_that_dies_with_the_order_leaves_it_unknown() -> None:
    report = carry_out(ScriptedControl(UP, [DOWN], refusal=DOWN))
    assert report.verdict == "unknown"
    assert report.summary == (
        "nobody knows whether web was restarted: whether the order was carried out is not known:"
        " no supervisor answers (start supervisord)."
    )
    assert (report.before, report.after, report.undo) == (UP, None, None)


@pytest.mark.parametrize("after", [[DOWN], [STARTING, DOWN], [ANEW, ANEW, DOWN]])
def test_a_manager_that_falls_silent_afterwards_leaves_it_unknown(
    after: list[ServiceState | BackendUnavailable | None],
) -> None:
    report = carry_out(ScriptedControl(UP, after))
    assert report.verdict == "unknown"
    assert "supervisor fell silent: no supervisor answers" in report.summary
    assert report.after is None


def test_a_short_silence_is_none() -> None:
    assert carry_out(ScriptedControl(UP, [DOWN, DOWN, DOWN, ANEW])).verdict == "worked"


def test_a_service_that_vanishes_is_a_failure() -> None:
    report = carry_out(ScriptedControl(UP, [None]))
    assert (report.verdict, report.after) == ("failed", None)
    assert "supervisor lists it no longer" in report.summary


def test_a_service_that_vanishes_later_did_not_stay() -> None:
    report = carry_out(ScriptedControl(UP, [ANEW, ANEW, None]))
    assert (report.verdict, report.after) == ("did_not_help", None)
    assert "it did not stay so: it is no longer listed" in report.summary


def test_errors_that_go_on_mean_that_it_did_not_help() -> None:
    control = ScriptedControl(UP, [ANEW], [OLD_ERROR], ["INFO up", OLD_ERROR])
    report = carry_out(control)
    assert report.verdict == "did_not_help"
    assert "but 1 of 2 lines since are errors" in report.summary


def test_errors_of_coming_up_are_told_and_not_held_against_it() -> None:
    control = ScriptedControl(UP, [ANEW], ["INFO a"], ["ERROR worker was interrupted", "INFO up"])
    report = carry_out(control)
    assert report.verdict == "worked"
    assert "1 of 2 lines since are errors" in report.facts[-1]


def test_a_health_check_is_asked_until_it_is_well() -> None:
    answers = [Health(False, "503"), Health(False, "503"), Health(True, "200")]
    report = carry_out(ScriptedControl(UP, [ANEW]), health=lambda: answers.pop(0))
    assert report.verdict == "worked"
    assert "Health check: 200." in report.facts


def test_a_health_check_that_fails_decides() -> None:
    finding = Finding("capture", "probe http://web", "503")
    report = carry_out(
        ScriptedControl(UP, [ANEW]), health=lambda: Health(False, "it answers 503", (finding,))
    )
    assert report.verdict == "did_not_help"
    assert report.summary.endswith("did not help: it answers 503.")
    assert finding in report.findings


def test_a_health_check_knows_better_than_an_error_in_the_log() -> None:
    control = ScriptedControl(UP, [ANEW], ["INFO a"], ["INFO up", "ERROR cache is cold"])
    assert carry_out(control, health=lambda: Health(True, "200")).verdict == "worked"


@pytest.mark.parametrize(
    ("verb", "before", "expected", "reason"),
    [
        ("start", UP, "", "nothing to start"),
        ("start", STARTING, "", "nothing to start"),
        ("stop", STOPPED, "", "nothing to stop"),
        ("stop", FATAL, "RUNNING", "nothing to stop"),
        ("restart", UP, "FATAL", "was FATAL when its restart was asked for, and has recovered"),
    ],
)
def test_what_is_not_needed_any_more_is_not_done(
    verb: Verb, before: ServiceState, expected: str, reason: str
) -> None:
    control = ScriptedControl(before, [ANEW])
    with pytest.raises(ActionRefused, match=reason) as caught:
        carry_out(control, verb, expected=expected)
    assert "nothing was done" in caught.value.hint
    assert control.orders == []


def test_a_state_that_got_worse_meanwhile_is_told() -> None:
    report = carry_out(ScriptedControl(FATAL, [ANEW]), expected="RUNNING")
    assert report.verdict == "worked"
    assert report.facts[0].endswith("; when this was asked for it was RUNNING.")


def test_a_start_and_its_undo() -> None:
    report = carry_out(ScriptedControl(STOPPED, [STARTING, ANEW]), "start")
    assert report.verdict == "worked"
    assert report.undo == ServiceAction("stop", "supervisor", "web")


def test_a_job_that_ends_well_was_started() -> None:
    ended = ServiceState("web", "EXITED", True, "exited with status 0, as expected", exit_status=0)
    assert carry_out(ScriptedControl(STOPPED, [STARTING, ended]), "start").verdict == "worked"


def test_a_stop_and_its_undo() -> None:
    report = carry_out(ScriptedControl(UP, [state("STOPPING", 7), STOPPED]), "stop")
    assert report.verdict == "worked"
    assert report.summary == "web was stopped, and that worked: it is STOPPED (stopped here)."
    assert report.undo == ServiceAction("start", "supervisor", "web")


def test_what_comes_back_was_not_stopped() -> None:
    report = carry_out(ScriptedControl(UP, [STOPPED, STOPPED, STARTING]), "stop")
    assert report.verdict == "did_not_help"
    assert "it did not stay so: STARTING" in report.summary


def test_one_that_does_not_stop() -> None:
    report = carry_out(ScriptedControl(UP, [UP]), "stop")
    assert (report.verdict, report.undo) == ("failed", None)
    report = carry_out(ScriptedControl(UP, [state("STOPPING", 7)]), "stop")
    assert report.verdict == "did_not_help"


def test_scaling_and_its_undo() -> None:
    control = ScalingScript(UP, [state("PENDING", 7), UP])
    report = carry_out(control, "scale", replicas=5)
    assert report.verdict == "worked"
    assert report.summary.startswith("web was scaled to 5, and that worked")
    assert report.undo == ServiceAction("scale", "supervisor", "web", 3)


def test_scaling_to_what_it_has_is_not_needed() -> None:
    with pytest.raises(ActionRefused, match="has 3 replicas already"):
        carry_out(ScalingScript(UP, [UP]), "scale", replicas=3)


def test_scaling_up_from_nothing_has_no_undo() -> None:
    assert carry_out(ScalingScript(UP, [UP], count=0), "scale", replicas=3).undo is None


def test_a_manager_that_does_not_count_replicas_has_no_undo() -> None:
    report = carry_out(ScriptedControl(UP, [UP]), "scale", replicas=5)
    assert (report.verdict, report.undo) == ("worked", None)


@dataclass
class StubbornScale(ScalingScript):
    """It takes the order, and keeps its number."""

    def replicas(self, service: str) -> int:
        return self.count


def test_a_number_that_does_not_change_is_a_failure() -> None:
    assert carry_out(StubbornScale(UP, [UP]), "scale", replicas=5).verdict == "failed"


def test_a_pod_that_is_gone_was_deleted() -> None:
    report = carry_out(ScriptedControl(UP, [state("TERMINATING", 7), None]), "delete")
    assert (report.verdict, report.after, report.undo) == ("worked", None, None)
    assert "it is gone; its owner makes a new one" in report.summary


def test_a_pod_of_the_same_name_that_is_new_replaces_it() -> None:
    assert carry_out(ScriptedControl(UP, [UP, ANEW]), "delete").verdict == "worked"
    assert carry_out(ScriptedControl(UP, [UP]), "delete").verdict == "failed"


@dataclass
class NoLog(ScriptedControl):
    def log_tail(self, service: str, max_lines: int) -> tuple[str, ...]:
        raise BackendUnavailable("the log may not be read")


def test_a_log_that_cannot_be_read_is_said() -> None:
    report = carry_out(NoLog(UP, [ANEW]))
    assert report.verdict == "worked"
    assert "Its log could not be saved: the log may not be read." in report.facts
    assert "Its log could not be compared: the log may not be read." in report.facts
