"""One pod judged: is it well, what is its state called, and what happened in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tools.logs.sources.kube_pods import Condition, ContainerStatus, Pod, Terminated
from tools.logs.sources.moments import stamp
from tools.logs.sources.names import printable

# A container that came up this recently after this many restarts has not shown that it stays up.
_RECENTLY = timedelta(minutes=10)
_MANY_RESTARTS = 3
_MAX_MESSAGE_CHARS = 200


@dataclass(frozen=True, slots=True)
class PodVerdict:
    """The pod at the moment `now`."""

    pod: Pod
    now: datetime

    @property
    def is_well(self) -> bool:
        """Whether it serves, and stays up as far as one can tell; or has done its work."""
        if self.pod.has_finished:
            return True
        return self.pod.is_ready and not self._is_leaving and self._unsteady is None

    @property
    def word(self) -> str:
        """Its state in one word, as kubectl calls it where it has one."""
        status = self.pod.status
        if self._is_leaving:
            return "Terminating"
        if status.phase not in ("Running", "Pending"):
            return status.reason or {"Succeeded": "Completed"}.get(status.phase, status.phase)
        troubled = self._troubled
        if troubled is not None:
            return _reason(troubled)
        if self._unscheduled is not None:
            return self._unscheduled.reason or "Unschedulable"
        if status.phase == "Pending":
            return "Pending"
        return "Running" if self.is_well else "NotReady"

    @property
    def ended(self) -> Terminated | None:
        """How the container in trouble ended its last run; None where none is, or none has."""
        troubled = self._troubled or self._unsteady
        return troubled.ended if troubled else None

    @property
    def rank(self) -> tuple[bool, bool, bool, str]:
        """A sorting key, worst first: what failed comes before what is only starting or leaving."""
        return (self.is_well, self.ended is None, self._is_leaving, self.pod.metadata.name)

    @property
    def story(self) -> str:
        """What happened in it, in words."""
        return f"{self.pod.metadata.name}: {', '.join(self._told())}"

    @property
    def _is_leaving(self) -> bool:
        return self.pod.metadata.deletion_timestamp is not None

    @property
    def _troubled(self) -> ContainerStatus | None:
        """The first container that waits or has failed."""
        return next((status for status in self.pod.containers if _is_troubled(status)), None)

    @property
    def _unsteady(self) -> ContainerStatus | None:
        """The first container that runs only since its last of many restarts."""
        return next((status for status in self.pod.containers if self._is_unsteady(status)), None)

    def _is_unsteady(self, status: ContainerStatus) -> bool:
        running = status.state.running
        if running is None or running.started_at is None:
            return False
        return status.restart_count >= _MANY_RESTARTS and self.now - running.started_at < _RECENTLY

    @property
    def _unscheduled(self) -> Condition | None:
        for condition in self.pod.status.conditions:
            if condition.type == "PodScheduled" and condition.status == "False":
                return condition
        return None

    def _told(self) -> Iterator[str]:
        yield self.word
        unscheduled = self._unscheduled
        if unscheduled is not None and unscheduled.message:
            yield printable(unscheduled.message, _MAX_MESSAGE_CHARS)
        if self.pod.status.message:
            yield printable(self.pod.status.message, _MAX_MESSAGE_CHARS)
        for status in self.pod.containers:
            if _is_troubled(status) or self._is_unsteady(status) or not status.ready:
                yield f"container {status.name} {_container_story(status)}"


def _is_troubled(status: ContainerStatus) -> bool:
    ended = status.state.terminated
    return status.state.waiting is not None or (ended is not None and ended.exit_code != 0)


def _reason(status: ContainerStatus) -> str:
    waiting, ended = status.state.waiting, status.state.terminated
    found = (waiting and waiting.reason) or (ended and ended.reason)
    return printable(found) if found else "Error" if ended else "Waiting"


def _container_story(status: ContainerStatus) -> str:
    parts = [_present(status)]
    ended = status.last_state.terminated
    if ended is not None:
        parts.append(f"before that it {_ending(ended)}")
    if status.restart_count:
        parts.append(f"{status.restart_count} restarts")
    return ", ".join(parts)


def _present(status: ContainerStatus) -> str:
    state = status.state
    if state.terminated is not None:
        return _ending(state.terminated)
    if state.waiting is not None:
        message = printable(state.waiting.message or "", _MAX_MESSAGE_CHARS)
        return f"waits: {_reason(status)}{f' ({message})' if message else ''}"
    if state.running is not None:
        readiness = "" if status.ready else " and is not ready"
        return f"runs{_since(state.running.started_at)}{readiness}"
    return "is in an unknown state"


def _ending(ended: Terminated) -> str:
    reason = f" ({printable(ended.reason)})" if ended.reason else ""
    at = f" at {stamp(ended.finished_at)}" if ended.finished_at else ""
    return f"ended with status {ended.exit_code}{reason}{at}"


def _since(moment: datetime | None) -> str:
    return f" since {stamp(moment)}" if moment else ""
