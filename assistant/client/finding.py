"""Finding the server to use: the one that was named, or one that runs on the same data folder."""

from __future__ import annotations

import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import ServerError, SettingsError
from assistant.settings import Settings
from assistant.sockets import is_ours, socket_path

_CONNECT_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a server answers: a Unix socket of this machine, or a URL with a token."""

    socket: Path | None = None
    url: str = ""
    token: str = ""
    ca_file: Path | None = None

    def __str__(self) -> str:
        return self.url or str(self.socket)


def find_server(settings: Settings, url: str = "") -> ServerAddress | None:
    """The server to use; None: there is none, work in this process.

    `url` wins over the settings, `http+unix:///path` is a socket. Raises SettingsError.
    """
    wanted = url or settings.server.url
    if wanted.startswith("http+unix://"):
        return ServerAddress(socket=Path(wanted.removeprefix("http+unix://")))
    if wanted:
        return _remote(settings, wanted)
    path = socket_path(settings)
    return ServerAddress(socket=path) if answers(path) else None


def _remote(settings: Settings, url: str) -> ServerAddress:
    if not url.startswith(("http://", "https://")):
        raise SettingsError(
            f"{url!r} is no server's address", "give one like https://midwatch.internal:8443"
        )
    variable = settings.server.token_env
    token = os.environ.get(variable, "")
    if not token:
        raise ServerError(
            f"no token for {url}: ${variable} is not set",
            "make one on the server: midwatch tokens create NAME",
        )
    return ServerAddress(url=url.rstrip("/"), token=token, ca_file=settings.server.ca_file)


def answers(path: Path) -> bool:
    """Whether a server of this user listens there; what is left of a dead one does not count."""
    if not (is_ours(path) and stat.S_ISSOCK(path.lstat().st_mode)):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_CONNECT_TIMEOUT_S)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
