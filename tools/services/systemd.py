"""systemd as a service manager: the service units of the system, or of one user.

It runs `systemctl` and `journalctl` (see `tools.services.systemctl`). systemctl expands `*` in what
it is given, completes names and loads units that nobody listed; so an order goes out only for a
name that the list has, letter for letter. What the properties of a unit mean is left to
`tools.services.systemd_units`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tools.errors import ActionFailed, BackendUnavailable, InvalidQuery, UnknownService
from tools.logs.sources.names import printable
from tools.scope import ServiceState
from tools.services.control import ServiceAction, Verb
from tools.services.names import check_service_name, shown
from tools.services.orders import until_sent
from tools.services.systemctl import Ran, TimedOut, run_program
from tools.services.systemd_units import PROPERTIES, parse_unit_files, parse_units, state_of

_ORDERS: dict[Verb, str] = {"restart": "restart", "start": "start", "stop": "stop"}
_NO_SUCH_UNIT = 5
# systemctl began the job and waited for its end, which was no good one; the state says how.
_JOB_ENDED_BADLY = "Job for "
_NO_RIGHT = ("Access denied", "authentication required", "Permission denied")
_NO_MANAGER = ("Failed to connect to bus", "has not been booted with systemd", "No medium found")


@dataclass(frozen=True, slots=True)
class SystemdControl:
    """The service units of this machine, or with `is_user` those of this user's own manager.

    A unit is healthy when it is active or has finished, and when it is inactive without being meant
    to run. It lists what systemd has loaded and what is installed, without templates and aliases.
    `timeout_s` bounds each question; an order is waited for `order_timeout_s`, and goes on after
    that in systemd. Every call may raise BackendUnavailable.
    """

    is_user: bool = False
    timeout_s: float = 10.0
    order_timeout_s: float = 20.0
    program: str = "systemctl"
    journal_program: str = "journalctl"
    verbs: frozenset[Verb] = field(default=frozenset(_ORDERS), init=False)

    @property
    def name(self) -> str:
        """`systemd`, or `systemd-user`."""
        return "systemd-user" if self.is_user else "systemd"

    def list_services(self) -> list[ServiceState]:
        """All service units by name."""
        loaded = parse_units(
            self._ask("show", "--type=service", "--all", f"--property={PROPERTIES}", "--", "*")
        )
        installed = parse_unit_files(
            self._ask("list-unit-files", "--type=service", "--no-legend", "--plain")
        )
        states = {unit.id: state_of(unit) for unit in loaded if unit.is_there}
        resting = {name: state_of(unit) for name, unit in installed.items() if name not in states}
        return [state for _, state in sorted({**states, **resting}.items())]

    def state(self, service: str) -> ServiceState:
        """The unit as it is now. Raises UnknownService."""
        for state in self.list_services():
            if state.name == service:
                return state
        raise UnknownService(
            f"{self.name} lists no service named exactly {shown(service)}",
            "names end in .service; see: midwatch services list",
        )

    def act(self, action: ServiceAction) -> None:
        """Give the order, and wait a while for the end of its job. See ServiceControl."""
        order = _ORDERS.get(action.verb)
        if order is None:
            raise InvalidQuery(f"systemd cannot {action.verb} a service")
        check_service_name(action.service)
        with until_sent(action):
            service = self.state(action.service).name
        try:
            ran = self._systemctl(self.order_timeout_s, order, "--", service)
        except TimedOut:
            return
        if ran.exit_status and not ran.complaints.startswith(_JOB_ENDED_BADLY):
            raise self._failed_order(ran, action)

    def log_tail(self, service: str, max_lines: int) -> tuple[str, ...]:
        """The newest lines of the unit in the journal, as `journalctl -o short-iso-precise`."""
        unit = self.state(service).name
        option = "--user-unit" if self.is_user else "--unit"
        ran = self._run(
            self.timeout_s,
            self.journal_program,
            *("--no-pager", "--quiet", "--output=short-iso-precise", f"--lines={max_lines}"),
            f"{option}={unit}",
        )
        if ran.exit_status and ran.complaints:
            raise BackendUnavailable(
                f"journalctl failed: {printable(ran.complaints)}",
                "run midwatch as a member of the group systemd-journal",
            )
        return tuple(line for line in ran.output.split("\n") if line)

    def _ask(self, *arguments: str) -> str:
        ran = self._systemctl(self.timeout_s, *arguments)
        # list-unit-files ends with 1 when there are none.
        if ran.exit_status and ran.complaints:
            raise self._unavailable(ran)
        return ran.output

    def _systemctl(self, timeout_s: float, *arguments: str) -> Ran:
        manager = ("--user",) if self.is_user else ()
        fixed = (*manager, "--no-ask-password", "--no-pager")
        return self._run(timeout_s, self.program, *fixed, *arguments)

    def _run(self, timeout_s: float, *command: str) -> Ran:
        return run_program(command, timeout_s)

    def _failed_order(self, ran: Ran, action: ServiceAction) -> ActionFailed | BackendUnavailable:
        said = printable(ran.complaints) or f"exit status {ran.exit_status}"
        if any(words in ran.complaints for words in _NO_MANAGER):
            return self._unavailable(ran)
        if any(words in ran.complaints for words in _NO_RIGHT):
            hint = "midwatch's user needs the right to manage this unit (polkit, or the user's own)"
            return ActionFailed(f"this user may not {action.verb} {action.service}", hint)
        return ActionFailed(f"{self.name} did not {action.verb} {action.service}: {said}")

    def _unavailable(self, ran: Ran) -> BackendUnavailable:
        said = printable(ran.complaints)
        hint = (
            "the user's manager runs while the user is logged in, or always: loginctl enable-linger"
            if self.is_user
            else "systemd must be what booted this machine; see: systemctl is-system-running"
        )
        return BackendUnavailable(f"{self.name} does not answer: {said}", hint)
