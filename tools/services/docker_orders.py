"""Orders to a Docker engine: the one place from which containers can be changed.

Which container, and whether it may be touched, is left to `tools.services.docker_control`.
"""

from __future__ import annotations

from tools.logs.sources.docker_engine import DockerEngine

# 304: the container is so already.
_DONE = (204, 304)


class OrderingEngine(DockerEngine):
    """An engine that also takes orders."""

    def order(self, path: str, wait_s: float) -> None:
        """POST `path`, once and never again; returns when it is carried out, or was so already.

        Runs in the calling thread to its end, so that no order is sent after the caller was told
        of a failure. Raises DockerRefused; and BackendUnavailable when no answer came in `wait_s`
        or the connection broke off: then the order may have been carried out.
        """
        self._send("POST", path, {}, wait_s, good=_DONE).close()
