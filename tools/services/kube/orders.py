"""Orders to a Kubernetes API server: the one place from which a cluster can be changed.

What may be changed, and under which preconditions, is left to `tools.services.kube.control`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.logs.sources.kube_cluster import Cluster, Query

# Admission webhooks may take half a minute before the API server answers.
_MAX_WAIT_S = 35.0
_MANAGER = "midwatch"
_STRATEGIC = "application/strategic-merge-patch+json"
_MERGE = "application/merge-patch+json"


class OrderingCluster(Cluster):
    """An API server that also takes orders.

    Each is sent once and never again, in the calling thread, so that none is sent after the caller
    was told of a failure. Each raises ClusterRefused; and BackendUnavailable when no answer came or
    the connection broke off: then the order may have been carried out.
    """

    def patch(self, path: str, change: Mapping[str, Any]) -> None:
        """Merge `change` into the workload at `path` (a strategic merge patch)."""
        self._order("PATCH", path, {"fieldManager": _MANAGER}, change, _STRATEGIC)

    def patch_scale(self, path: str, change: Mapping[str, Any]) -> None:
        """Merge `change` into the scale of the workload at `path` (a merge patch)."""
        self._order("PATCH", f"{path}/scale", {"fieldManager": _MANAGER}, change, _MERGE)

    def delete(self, path: str, uid: str) -> None:
        """Delete the object at `path` if it is still the one with this `uid`, else 409."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
        }
        self._order("DELETE", path, {}, options, "application/json")

    def _order(
        self, method: str, path: str, query: Query, body: Mapping[str, Any], content_type: str
    ) -> None:
        self._send(method, path, query, _MAX_WAIT_S, body, content_type).close()
