"""What an action on a service does, and what takes it back, in words for whoever has to agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tools.services.control import ServiceAction
from tools.services.names import short_name

_RESTART = {
    "kubernetes": "replaces its pods one after another, as `kubectl rollout restart` does",
    "docker": "stops the container and starts it again; requests under way are lost",
}
_PROCESS = "stops the process and starts it again; requests under way are lost"


def needed_by(service: str, depends_on: Mapping[str, Sequence[str]]) -> str:
    """Who else is hit, by the settings: `; needed by cart, checkout`. Empty when nobody is."""
    short = short_name(service)
    others = [name for name, needs in depends_on.items() if service in needs or short in needs]
    return f"; needed by {', '.join(sorted(others))}" if others else ""


def effect_of(action: ServiceAction, replicas: int | None = None) -> str:
    """What the act does; `replicas` is how many there are now."""
    match action.verb:
        case "restart":
            return _RESTART.get(action.backend, _PROCESS)
        case "start":
            return "starts it"
        case "stop":
            return "stops it: nobody can use it until it is started"
        case "scale":
            now = "" if replicas is None else f"from {replicas} "
            return f"changes the number of its replicas {now}to {action.replicas}"
        case "delete":
            return "deletes the pod; its owner makes a new one"


def undo_of(action: ServiceAction, replicas: int | None = None) -> str:
    """What takes the act back."""
    match action.verb:
        case "restart" | "delete":
            return "none: the old process is gone, the same version runs again"
        case "start":
            return f"stop {action.service}"
        case "stop":
            return f"start {action.service}"
        case "scale":
            return "scale it back" if replicas is None else f"scale it back to {replicas}"
