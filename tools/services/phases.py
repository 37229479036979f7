"""Up, moving or down: what the states of all service managers have in common.

Each manager has its own words; a verification only needs to know whether to wait, and for what.
"""

from __future__ import annotations

from typing import Literal

from tools.scope import ServiceState

Phase = Literal["up", "moving", "down"]

# supervisor's, systemd's, docker's and kubernetes' words for what stays as it is until told.
_DOWN = frozenset(
    (
        *("STOPPED", "EXITED", "FATAL", "UNKNOWN", "INACTIVE", "FAILED"),
        *("DEAD", "CREATED", "SUCCEEDED", "COMPLETED"),
    )
)
# On its way up already, so that a start would change nothing.
_COMING_UP = frozenset(("STARTING", "ACTIVATING"))
_MOVING = _COMING_UP | {"BACKOFF", "STOPPING", "DEACTIVATING", "RELOADING", "AUTO-RESTART"}


def phase_of(state: ServiceState) -> Phase:
    """Whether the service is there, is not, or is on its way (unhealthy counts as on its way)."""
    word = state.state.upper()
    if word in _DOWN:
        return "down"
    return "up" if state.is_healthy and word not in _MOVING else "moving"


def is_coming_up(state: ServiceState) -> bool:
    """Whether it is up, or its manager is starting it right now."""
    return phase_of(state) == "up" or state.state.upper() in _COMING_UP


def has_changed(before: ServiceState, after: ServiceState) -> bool:
    """Whether `after` can be another run than `before`: by process and time, as far as known."""
    known = (before.pid, before.since, after.pid, after.since)
    if all(value is None for value in known):
        return True
    return (before.pid, before.since) != (after.pid, after.since)


def told(state: ServiceState) -> str:
    """The state in a few words, on one line."""
    return " ".join(f"{state.state} ({state.description or 'no more is known'})".split())
