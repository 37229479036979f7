"""`Verification`: watching a service after an order until it can be said what came of it.

It asks the manager again and again, within time limits, and judges by state, process and time. What
the log and a health check say is left to `tools.services.operation`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tools.errors import BackendUnavailable, UnknownService
from tools.scope import ServiceState
from tools.services.control import ScalingControl, ServiceAction, ServiceControl
from tools.services.phases import has_changed, phase_of, told
from tools.services.report import Verdict


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to watch: `settle_s` for the order to take effect, `steady_s` for it to last.

    `poll_s` lies between two looks. A manager that fails `max_failures` times in a row is silent.
    """

    poll_s: float = 0.5
    settle_s: float = 60.0
    steady_s: float = 5.0
    health_s: float = 15.0
    max_failures: int = 4


@dataclass(frozen=True, slots=True)
class Outcome:
    """What can be said of a service after an order.

    `after` is None when the service is no longer listed, and when its manager does not say.
    """

    verdict: Verdict
    fact: str
    after: ServiceState | None


class _Silent(Exception):
    """The manager does not answer any more."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(slots=True)
class Verification:
    """Watches the service of `action`, which was `before` when the order was given.

    A pod that is deleted, or a service that vanished, is None instead of a state.
    """

    control: ServiceControl
    action: ServiceAction
    before: ServiceState
    timing: Timing
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def settle(self) -> Outcome:
        """Wait until the order has taken effect, `settle_s` at most, and judge what is there."""
        deadline = self.clock() + self.timing.settle_s
        try:
            while not self._is_settled(after := self._look()) and self.clock() < deadline:
                self.sleep(self.timing.poll_s)
            return self._judge(after)
        except _Silent as silence:
            return self._unknown(silence)

    def stay(self, settled: ServiceState) -> Outcome:
        """Watch for `steady_s` whether what was reached lasts."""
        deadline = self.clock() + self.timing.steady_s
        after: ServiceState | None = settled
        try:
            while self.clock() < deadline:
                self.sleep(self.timing.poll_s)
                after = self._look()
                if not self._is_lasting(settled, after):
                    return Outcome("did_not_help", f"it did not stay so: {_told(after)}", after)
        except _Silent as silence:
            return self._unknown(silence)
        return Outcome("worked", f"it stayed so for {self.timing.steady_s:g} s", after)

    def look(self) -> ServiceState | None:
        """The service now; None when it is not listed, or its manager does not say."""
        try:
            return self._look()
        except _Silent:
            return None

    def _look(self) -> ServiceState | None:
        failures = 0
        while True:
            try:
                return self.control.state(self.action.service)
            except UnknownService:
                return None
            except BackendUnavailable as error:
                failures += 1
                if failures == self.timing.max_failures:
                    raise _Silent(error.message) from error
            self.sleep(self.timing.poll_s)

    def _is_settled(self, after: ServiceState | None) -> bool:
        if after is None:
            return True
        phase, is_new = phase_of(after), has_changed(self.before, after)
        match self.action.verb:
            case "stop":
                return phase == "down"
            case "delete":
                return phase == "up" and is_new
            case "scale":
                return phase != "moving" and self._is_scaled()
        return phase != "moving" and is_new

    def _is_lasting(self, settled: ServiceState, after: ServiceState | None) -> bool:
        if after is None:
            return self.action.verb == "delete"
        if self.action.verb == "scale":
            return phase_of(after) != "down"
        # Not by time: of many pods, now one is told and now another.
        is_same_run = after.pid == settled.pid
        return phase_of(after) == phase_of(settled) and is_same_run

    def _judge(self, after: ServiceState | None) -> Outcome:
        if after is None:
            return self._judge_missing()
        if not self._is_settled(after):
            return self._judge_unsettled(after)
        if self.action.verb != "stop" and phase_of(after) == "down" and not after.is_healthy:
            return Outcome("did_not_help", f"it is down: {told(after)}", after)
        return Outcome("worked", f"it is {told(after)}", after)

    def _judge_missing(self) -> Outcome:
        if self.action.verb == "delete":
            return Outcome("worked", "it is gone; its owner makes a new one", None)
        return Outcome("failed", f"{self.control.name} lists it no longer", None)

    def _judge_unsettled(self, after: ServiceState) -> Outcome:
        waited = f"after {self.timing.settle_s:g} s"
        is_other = after.state != self.before.state or has_changed(self.before, after)
        if phase_of(after) == "moving" and is_other:
            return Outcome("did_not_help", f"{waited} it is still {told(after)}", after)
        return Outcome("failed", f"{waited} nothing has changed: {told(after)}", after)

    def _unknown(self, silence: _Silent) -> Outcome:
        return Outcome("unknown", f"{self.control.name} fell silent: {silence.message}", None)

    def _is_scaled(self) -> bool:
        if not isinstance(self.control, ScalingControl):
            return True
        try:
            return self.control.replicas(self.action.service) == self.action.replicas
        except BackendUnavailable as error:
            raise _Silent(error.message) from error
        except UnknownService:
            return False


def _told(state: ServiceState | None) -> str:
    return "it is no longer listed" if state is None else told(state)
