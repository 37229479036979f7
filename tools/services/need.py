"""Whether an action is still needed when its turn comes: services change while people decide."""

from __future__ import annotations

from tools.errors import ActionRefused
from tools.scope import ServiceState
from tools.services.control import ServiceAction
from tools.services.phases import is_coming_up, phase_of, told


def check_need(
    action: ServiceAction, now: ServiceState, expected_state: str, replicas: int | None
) -> None:
    """Return when `action` would change anything for the better. Raises ActionRefused otherwise.

    `expected_state` is what the person saw who agreed, empty when that is not known; `replicas` is
    how many are asked for now, where the manager counts them.
    """
    if action.verb == "start" and is_coming_up(now):
        raise _needless(f"{action.service} is {told(now)}; there is nothing to start")
    if action.verb == "stop" and phase_of(now) == "down":
        raise _needless(f"{action.service} is {told(now)}; there is nothing to stop")
    if action.verb == "scale" and replicas == action.replicas:
        raise _needless(f"{action.service} has {replicas} replicas already")
    if action.verb == "restart" and _has_recovered(now, expected_state):
        raise _needless(
            f"{action.service} was {expected_state} when its restart was asked for, and has"
            f" recovered: {told(now)}"
        )


def _has_recovered(now: ServiceState, expected_state: str) -> bool:
    return bool(expected_state) and expected_state != now.state and phase_of(now) == "up"


def _needless(message: str) -> ActionRefused:
    return ActionRefused(message, "nothing was done; ask again if it is still wanted")
