"""`Operation`: one action on a service, from the last check to what came of it.

The order of things is the safety: the allow-list once more, the state now, the newest log lines
saved, and only then the act. Afterwards state, staying power, health and log are looked at, and
what they say is reported as evidence. Whether a person agreed, and how often is too often, was
decided before (`assistant.approvals`, `tools.services.pace`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from tools.errors import ActionFailed, BackendUnavailable, ToolsError
from tools.evidence import Finding
from tools.scope import ServiceState
from tools.services.aftermath import Aftermath, told_errors
from tools.services.control import ScalingControl, ServiceAction, ServiceControl
from tools.services.excerpt import Excerpt, Kind, error_kinds
from tools.services.need import check_need
from tools.services.permits import Permits
from tools.services.phases import phase_of, told
from tools.services.report import (
    Health,
    HealthCheck,
    OperationReport,
    Progress,
    Stage,
    Step,
    summary_of,
)
from tools.services.tool import service_finding
from tools.services.verification import Outcome, Timing, Verification

_BRINGS_UP = ("restart", "start", "scale")
_MAX_KINDS = 3
_MAX_LINE_CHARS = 1000
_LINE_BEFORE = 0.1
_ERROR_BEFORE = 0.5
_ERROR_AFTER = 0.8


@dataclass(frozen=True, slots=True)
class Operation:
    """Carries actions out at `control`, as far as `permits` go. It blocks: give it a thread.

    `health` is asked after a restart, start or scaling, until it is well or `health_s` is over.
    """

    control: ServiceControl
    permits: Permits
    timing: Timing = field(default_factory=Timing)
    health: HealthCheck | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def carry_out(
        self, action: ServiceAction, expected_state: str = "", progress: Progress | None = None
    ) -> OperationReport:
        """Check, act and verify: once the order was given, a report, whatever came of it.

        `expected_state` is the state that the person saw who agreed. What speaks against the act
        before that is raised, and nothing was done: ActionRefused, UnknownService, InvalidQuery,
        BackendUnavailable, or whatever `progress` raises, which must not raise from the step
        `settled` on.
        """
        run = _Run(self, action, progress or _ignore)
        before = run.check(expected_state)
        return run.act(before, run.save_log())


@dataclass(slots=True)
class _Run:
    """One `carry_out`, and what it has to tell so far."""

    operation: Operation
    action: ServiceAction
    progress: Progress
    facts: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    replicas: int | None = None

    def check(self, expected_state: str) -> ServiceState:
        """The service before the act, which is allowed and needed."""
        control, service = self.operation.control, self.action.service
        self.operation.permits.check(self.action, control)
        before = control.state(service)
        if self.action.verb == "scale" and isinstance(control, ScalingControl):
            self.replicas = control.replicas(service)
        check_need(self.action, before, expected_state, self.replicas)
        text = f"before the {self.action.verb}, {service} is {told(before)}"
        if expected_state and expected_state != before.state:
            text += f"; when this was asked for it was {expected_state}"
        self._tell("checked", text, (self._state_finding(before, "before"),))
        return before

    def save_log(self) -> Excerpt:
        """The newest lines of the log, handed on before anything is done to it."""
        saved = self._log()
        text = f"its log could not be saved: {saved.trouble}"
        if not saved.trouble:
            text = f"the end of its log was saved: {told_errors(saved)}"
        self._tell("saved", text, self._saved_findings(saved), saved.lines)
        return saved

    def act(self, before: ServiceState, saved: Excerpt) -> OperationReport:
        """Give the order, and see what comes of it."""
        control = self.operation.control
        self._tell("acting", f"{control.name} is told to {self.action.verb} {self.action.service}")
        watch = self._watch(before)
        try:
            control.act(self.action)
        except ActionFailed as error:
            outcome = self._settled(Outcome("failed", _in_words(error), watch.look()))
        except BackendUnavailable as error:
            fact = f"whether the order was carried out is not known: {_in_words(error)}"
            outcome = self._settled(Outcome("unknown", fact, watch.look()))
        else:
            outcome = self._verified(watch, saved)
        return self._report(before, outcome, saved)

    def _watch(self, before: ServiceState) -> Verification:
        given = self.operation
        return Verification(
            given.control, self.action, before, given.timing, given.clock, given.sleep
        )

    def _verified(self, watch: Verification, saved: Excerpt) -> Outcome:
        outcome = self._settled(watch.settle())
        log = self._log()
        if outcome.verdict == "worked" and outcome.after is not None:
            outcome = self._stayed(watch, outcome, outcome.after)
        if outcome.verdict == "unknown" or self.action.verb not in _BRINGS_UP:
            return outcome
        health = self._health() if outcome.verdict == "worked" else None
        if health is not None and not health.is_well:
            outcome = replace(outcome, verdict="did_not_help", fact=health.text)
        return self._weighed(outcome, Aftermath(saved, log, self._log()), health)

    def _settled(self, outcome: Outcome) -> Outcome:
        self._tell("settled", outcome.fact)
        return outcome

    def _stayed(self, watch: Verification, outcome: Outcome, settled: ServiceState) -> Outcome:
        lasting = watch.stay(settled)
        self._tell("steady", lasting.fact)
        is_same = lasting.verdict == "worked"
        return replace(outcome, after=lasting.after) if is_same else lasting

    def _health(self) -> Health | None:
        given = self.operation
        if given.health is None:
            return None
        deadline = given.clock() + given.timing.health_s
        while not (health := given.health()).is_well and given.clock() < deadline:
            given.sleep(given.timing.poll_s)
        self._tell("health", f"health check: {health.text}", health.findings)
        return health

    def _weighed(self, outcome: Outcome, log: Aftermath, health: Health | None) -> Outcome:
        """The outcome in the light of the log: a service that is up may be as ill as before."""
        text = log.in_words()
        self._tell("log", text, self._line_findings(log.new_errors, "after", _ERROR_AFTER))
        is_contradicted = log.speaks_against(has_health=health is not None)
        if outcome.verdict == "worked" and is_contradicted:
            return replace(outcome, verdict="did_not_help", fact=f"{outcome.fact}, but {text}")
        return outcome

    def _report(self, before: ServiceState, outcome: Outcome, saved: Excerpt) -> OperationReport:
        if outcome.after is not None:
            self.findings.append(self._state_finding(outcome.after, "after"))
        return OperationReport(
            self.action,
            outcome.verdict,
            summary_of(self.action, outcome.verdict, outcome.fact),
            tuple(self.facts),
            tuple(self.findings),
            before,
            outcome.after,
            saved.lines,
            self._undo(before, outcome),
        )

    def _undo(self, before: ServiceState, outcome: Outcome) -> ServiceAction | None:
        """What takes the action back; of a restart that only stopped it, what brings it up."""
        is_left_down = outcome.after is not None and phase_of(outcome.after) == "down"
        if self.action.verb == "restart" and phase_of(before) == "up" and is_left_down:
            return replace(self.action, verb="start")
        if outcome.verdict == "failed":
            return None
        match self.action.verb:
            case "stop":
                return replace(self.action, verb="start")
            case "start":
                return replace(self.action, verb="stop")
            case "scale":
                # Whatever was 0 is not brought back to that by midwatch.
                return replace(self.action, replicas=self.replicas) if self.replicas else None
        return None

    def _log(self) -> Excerpt:
        return Excerpt.read(self.operation.control, self.action.service)

    def _state_finding(self, state: ServiceState, when: str) -> Finding:
        finding = service_finding(self.operation.control.name, state)
        return replace(finding, note=f"{when} the {self.action.verb}")

    def _saved_findings(self, saved: Excerpt) -> tuple[Finding, ...]:
        errors = error_kinds(saved.lines)
        if errors or not saved.lines:
            return self._line_findings(errors, "before", _ERROR_BEFORE)
        note = f"the newest line before the {self.action.verb}"
        return (self._line_finding(saved.lines[-1], note, _LINE_BEFORE),)

    def _line_findings(
        self, kinds: Mapping[str, Kind], when: str, suspicion: float
    ) -> tuple[Finding, ...]:
        newest = list(kinds.values())[-_MAX_KINDS:]
        notes = [f"{when} the {self.action.verb}, {kind.count} of this kind" for kind in newest]
        return tuple(
            self._line_finding(kind.newest, note, suspicion)
            for kind, note in zip(newest, notes, strict=True)
        )

    def _line_finding(self, line: str, note: str, suspicion: float) -> Finding:
        source = f"{self.action.backend}:{self.action.service}"
        return Finding("log", source, line[:_MAX_LINE_CHARS], note=note, suspicion=suspicion)

    def _tell(
        self,
        stage: Stage,
        text: str,
        findings: tuple[Finding, ...] = (),
        lines: tuple[str, ...] = (),
    ) -> None:
        step = Step(stage, f"{text[0].upper()}{text[1:]}.", findings, lines)
        self.facts.append(step.text)
        self.findings += findings
        self.progress(step)


def _ignore(step: Step) -> None:
    pass


def _in_words(error: ToolsError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message
