"""What an API server's refusal of an order means, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tools.errors import ActionFailed, BackendUnavailable, ToolsError
from tools.logs.sources.kube_cluster import ClusterRefused, LoginRefused
from tools.services.control import ServiceAction
from tools.services.kube.names import ServiceName, unknown
from tools.services.orders import unconfirmed


class Conflict(ActionFailed):
    """The object is not the one, or in the version, that was meant: nothing was done."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """Errors for an action on the service `name`, which RBAC calls `rbac_verb` of `resource`."""

    action: ServiceAction
    name: ServiceName
    rbac_verb: str
    resource: str

    @contextmanager
    def mapped(self) -> Iterator[None]:
        """Around the order. Raises ActionFailed, UnknownService, LoginRefused, or Unconfirmed."""
        try:
            yield
        except ClusterRefused as error:
            raise self._refused(error) from error
        except LoginRefused:
            raise
        except BackendUnavailable as error:
            raise unconfirmed(self.action, error.message) from error

    def _refused(self, error: ClusterRefused) -> ToolsError:
        told = f"kubernetes refused to {self.action.verb} {self.name}: {error.message}"
        match error.status:
            case 403:
                return ActionFailed(told, self._permission)
            case 404:
                return unknown(str(self.name))
            case 409:
                return Conflict(told, "it was replaced or changed meanwhile; look at it again")
            case 422:
                return ActionFailed(told, "the cluster finds the change invalid")
            case 429:
                return ActionFailed(told, "the API server has too much to do; try again later")
        if error.status >= 500:
            return unconfirmed(self.action, error.message)
        return ActionFailed(told, "see what the cluster says")

    @property
    def _permission(self) -> str:
        needed = f"{self.rbac_verb} {self.resource} -n {self.name.namespace}"
        return (
            f"this login needs the verb {self.rbac_verb} on {self.resource}, or an admission rule "
            f"forbids it; try: kubectl auth can-i {needed}"
        )
