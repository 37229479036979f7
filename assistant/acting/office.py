"""`Office`: where actions are proposed, decided and carried out, in this process.

The agent sees `Proposing` of it, which can only propose; a person's decision and the act are for
the fronts. Every call blocks; give it a thread.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from assistant import events
from assistant.acting.controls import service_controls
from assistant.acting.health import health_checks
from assistant.acting.performing import Redact, ServicePerformer, control_of
from assistant.acting.running import RUN_CODE, CodePerformer, check_sandbox
from assistant.acting.wording import effect_of, needed_by, undo_of
from assistant.agent.order import Target
from assistant.agent.proposal import BY_MODEL, Proposal
from assistant.agent.report import as_citation
from assistant.approvals.approval import Approval
from assistant.approvals.desk import Desk
from assistant.approvals.execution import Executor, Performer, open_executor
from assistant.approvals.person import Person
from assistant.approvals.policy import Policy
from assistant.approvals.request import MAX_EVIDENCE, ActionRequest
from assistant.approvals.rows import Act
from assistant.audit.log import AuditLog
from assistant.live import probe_plan
from assistant.settings import Settings
from assistant.storage import approval_store
from tools.errors import InvalidQuery, ToolsError
from tools.evidence import Evidence
from tools.scope import ServiceState
from tools.services.control import ACTION_NAMES, ScalingControl, ServiceAction, ServiceControl
from tools.services.pace import Pace, PastAction
from tools.services.permits import Permits
from tools.services.verification import Timing
from tools.window import parse_duration

_log = logging.getLogger(__name__)

_HISTORY = timedelta(hours=2)
_MAX_MANAGERS_AT_ONCE = 5
_MAX_ACTS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Office:
    """The actions of one process; open it with `open_office`."""

    desk: Desk
    executor: Executor
    controls: Mapping[str, ServiceControl]
    permits: Permits
    pace: Pace
    redact: Redact
    acts: ThreadPoolExecutor
    depends_on: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def targets(self) -> tuple[Target, ...]:
        """The services that can be acted on. A manager that does not answer has none."""
        if not self.controls:
            return ()
        with ThreadPoolExecutor(_MAX_MANAGERS_AT_ONCE) as pool:
            found = list(pool.map(_targets_of, self.controls.values()))
        return tuple(target for targets in found for target in targets)

    def state_of(self, action: ServiceAction) -> ServiceState:
        """The action's service as it is now. Raises ToolsError."""
        return control_of(self.controls, action).state(action.service)

    def refusal(self, action: ServiceAction) -> str:
        """Why nobody could approve `action` now; empty when somebody can."""
        try:
            self.permits.check(action, control_of(self.controls, action))
            self.pace.check(action, past_actions(self.desk.acts(_HISTORY)), datetime.now(UTC))
        except ToolsError as error:
            return f"{error.message}; {error.hint}" if error.hint else error.message
        return ""

    def propose(self, session: str, turn: int, person: Person, proposal: Proposal) -> Approval:
        """Keep the proposal that came up while `person` asked. Raises as `Desk.request` does."""
        return self.desk.request(self._request(session, turn, person, proposal))

    def begin(self, approval: Approval, progress: Callable[[str], None]) -> Future[Approval]:
        """Carry out what was approved, once, whether or not anybody goes on to wait for it.

        The result is the approval as the act left it; it raises as `Executor.execute` does.
        `progress` is called from another thread.
        """
        return self.acts.submit(
            self.executor.execute,
            approval.id,
            session=approval.request.session,
            permit=self._check_now,
            progress=progress,
        )

    def _request(
        self, session: str, turn: int, person: Person, proposal: Proposal
    ) -> ActionRequest:
        action = proposal.action
        replicas = self._replicas(action)
        reason = self.redact(proposal.reason)
        # What suggested it comes first: it is what must not be cut.
        by = proposal.suggested_by
        ordered = sorted(proposal.evidence, key=lambda item: item.id not in by)
        evidence = tuple(self._cited(item) for item in ordered[: MAX_EVIDENCE - 1])
        if BY_MODEL in proposal.suggested_by:
            evidence = (*evidence, _said_by_model(reason))
        return ActionRequest(
            action.name,
            action.as_arguments(),
            session,
            turn,
            person,
            reason,
            evidence,
            proposal.suggested_by,
            effect_of(action, replicas) + needed_by(action.service, self.depends_on),
            undo_of(action, replicas),
            proposal.state,
        )

    def _cited(self, item: Evidence) -> events.Citation:
        cited = as_citation(item)
        return replace(cited, text=self.redact(cited.text))

    def _replicas(self, action: ServiceAction) -> int | None:
        """How many replicas there are now, where that is asked and can be known."""
        control = self.controls.get(action.backend)
        if action.verb != "scale" or not isinstance(control, ScalingControl):
            return None
        try:
            return control.replicas(action.service)
        except ToolsError as error:
            _log.info("replicas of %s: %s", action.service, error.message)
            return None

    def _check_now(self, request: ActionRequest, earlier: Sequence[Act]) -> None:
        """The last look before an act. Raises ToolsError when it must not take place now."""
        if request.action == RUN_CODE:
            check_sandbox()
        else:
            action = ServiceAction.of(request.action, request.arguments)
            self.permits.check(action, control_of(self.controls, action))
            self.pace.check(action, past_actions(earlier), datetime.now(UTC))


class OfficeOnDemand:
    """The office of a process, opened when it is first wanted: most questions propose nothing."""

    def __init__(self, settings: Settings, redact: Redact) -> None:
        self._settings = settings
        self._redact = redact
        self._opening = threading.Lock()
        self._stack = ExitStack()
        self._office: Office | None = None

    def get(self) -> Office:
        """The office. Raises as `open_office` does."""
        with self._opening:
            if self._office is None:
                opened = open_office(self._settings, self._redact)
                self._office = self._stack.enter_context(opened)
            return self._office

    def close(self) -> None:
        """Wait for acts under way, and close what is open."""
        with self._opening:
            self._stack.close()
            self._office = None


@dataclass(frozen=True, slots=True)
class Proposing:
    """What a turn, which `person` asked for, may do with the office: propose (`Actions`)."""

    offices: OfficeOnDemand
    person: Person
    turn: int

    def targets(self) -> tuple[Target, ...]:
        """See `Actions`."""
        return self.offices.get().targets()

    def state_of(self, action: ServiceAction) -> ServiceState:
        """See `Actions`."""
        return self.offices.get().state_of(action)

    def refusal(self, action: ServiceAction) -> str:
        """See `Actions`."""
        return self.offices.get().refusal(action)

    def propose(self, session: str, proposal: Proposal) -> events.Approval:
        """See `Actions`."""
        office = self.offices.get()
        return as_event(office.propose(session, self.turn, self.person, proposal))


def past_actions(acts: Sequence[Act]) -> list[PastAction]:
    """Of what was done, the actions on services."""
    found = []
    for act in acts:
        try:
            found.append(PastAction(ServiceAction.of(act.action, act.arguments), act.at_utc))
        except InvalidQuery:
            continue
    return found


def as_event(approval: Approval) -> events.Approval:
    """The approval as events and `--json` show it."""
    request = approval.request
    return events.Approval(
        approval.id,
        request.action,
        dict(request.arguments),
        approval.status,
        reason=request.reason,
        effect=request.effect,
        undo=request.undo,
        evidence=tuple(one.id for one in request.evidence),
        suggested_by=request.suggested_by,
        expires_at=approval.expires_at_utc.isoformat(timespec="seconds"),
        outcome=outcome_of(approval),
    )


def outcome_of(approval: Approval) -> str:
    """What came of it: the verdict of the act (`worked`), else how far it got; empty before."""
    result = approval.result
    verdict = result.get("verdict") if isinstance(result, dict) else None
    return str(verdict) if verdict else approval.outcome or ""


def _said_by_model(words: str) -> events.Citation:
    return events.Citation(BY_MODEL, "model", "the model's own words", None, words)


@contextmanager
def open_office(settings: Settings, redact: Redact) -> Iterator[Office]:
    """The office on `settings`; what a process that is gone left behind is closed first.

    Raises DataFolderError, AuditError and SettingsError. It waits for acts under way at its end.
    """
    folder = settings.data.dir
    audit = AuditLog(settings.audit.dir or folder / "audit", redact)
    approvals, services = settings.approvals, settings.services
    policy = Policy.parse(approvals.allow, approvals.two_person, approvals.expires)
    permits = Permits.parse(services.allow, services.protected, services.max_replicas)
    pace = Pace(
        parse_duration(services.cooldown).total_seconds(),
        services.max_per_service_hour,
        services.max_per_hour,
    )
    controls = service_controls(settings)
    health = health_checks(probe_plan(settings.probes))
    timing = Timing(steady_s=services.watch_s)
    performer = ServicePerformer(controls, permits, health, redact, folder / "saved-logs", timing)
    performers: dict[str, Performer] = dict.fromkeys(ACTION_NAMES, performer)
    performers[RUN_CODE] = CodePerformer(redact)
    with (
        approval_store(settings) as store,
        open_executor(store, audit, policy, performers) as executor,
        ThreadPoolExecutor(_MAX_ACTS_AT_ONCE, "act") as acts,
    ):
        for lost in executor.recover():
            _log.warning("%s is unfinished: %s", lost.id, lost.message)
        desk = Desk(store, audit, policy)
        yield Office(desk, executor, controls, permits, pace, redact, acts, services.depends_on)


def _targets_of(control: ServiceControl) -> list[Target]:
    try:
        states = control.list_services()
    except ToolsError as error:
        _log.info("no services from %s: %s", control.name, error.message)
        return []
    return [Target(control.name, state.name, control.verbs) for state in states]
