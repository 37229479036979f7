"""One call to a supervisord over XML-RPC, with every way it can fail worded for a person.

It exists because supervisor's own client waits without a limit. What the answers mean is left to
`tools.services.supervisor`, which orders are given to `tools.services.supervisor_control`.
"""

from __future__ import annotations

import base64
import http.client
import socket
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from xml.parsers.expat import ExpatError

from tools.errors import ActionFailed, BackendUnavailable, UnknownService
from tools.services.names import shown

_SETTING = "services.supervisor"


class FaultCode(IntEnum):
    """The faults of supervisor that an order may end with (its API's `Faults`)."""

    SHUTDOWN_STATE = 6
    BAD_NAME = 10
    NO_FILE = 20
    NOT_EXECUTABLE = 21
    FAILED = 30
    ABNORMAL_TERMINATION = 40
    SPAWN_ERROR = 50
    ALREADY_STARTED = 60
    NOT_RUNNING = 70


_REFUSALS = {
    FaultCode.NO_FILE: "there is no such file",
    FaultCode.NOT_EXECUTABLE: "its program cannot be executed",
    FaultCode.FAILED: "supervisor failed to do it",
    FaultCode.ABNORMAL_TERMINATION: "it ended while it was starting",
    FaultCode.SPAWN_ERROR: "it could not be started",
    FaultCode.ALREADY_STARTED: "it is running or starting already",
    FaultCode.NOT_RUNNING: "it is not running",
}


class OrderRefused(ActionFailed):
    """Supervisor answered an order with the fault `code`."""

    def __init__(self, code: FaultCode, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.code = code


@dataclass(frozen=True, slots=True)
class Address:
    """Where supervisord listens: a socket path, or a host and port. Its text holds no password."""

    socket_path: str = ""
    host: str = ""
    port: int = 80
    login: str = ""

    @classmethod
    def parse(cls, url: str) -> Address:
        """`unix:///path.sock` or `http://user:pw@host:port`. Raises BackendUnavailable."""
        try:
            parts = urlsplit(url)
            port = parts.port or 80
        except ValueError:
            raise _bad_address() from None
        if parts.scheme == "unix" and parts.path and not parts.netloc:
            return cls(socket_path=url.removeprefix("unix://"))
        if parts.scheme == "http" and parts.hostname:
            return cls(host=parts.hostname, port=port, login=_login(parts))
        raise _bad_address()

    def __str__(self) -> str:
        if self.socket_path:
            return f"unix://{self.socket_path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def connect(self, timeout_s: float) -> http.client.HTTPConnection:
        """A connection that is opened on first use and waits `timeout_s` for each answer."""
        if self.socket_path:
            return _UnixConnection(self.socket_path, timeout_s)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout_s)


def ask(address: Address, method: str, timeout_s: float, *arguments: bool | int | str) -> Any:
    """What supervisor's `method(*arguments)` returns. Raises BackendUnavailable.

    Opens a connection of its own, so that threads need not share one.
    """
    try:
        return _call(address, method, timeout_s, *arguments)
    except xmlrpc.client.Fault as error:
        raise _faulted(error, address) from error
    except ExpatError as error:
        raise not_supervisor(address) from error


def order(
    address: Address, method: str, timeout_s: float, process: str, *arguments: bool | int | str
) -> Any:
    """As `ask`, for a method whose first argument is the full name of a process.

    Raises OrderRefused and UnknownService for what supervisor says against it.
    """
    try:
        return _call(address, method, timeout_s, process, *arguments)
    except xmlrpc.client.Fault as error:
        raise _refusal(error, address, process) from error
    except ExpatError as error:
        raise BackendUnavailable(
            f"the answer about {process} has characters that XML-RPC cannot carry",
            "look at the log on the machine itself",
        ) from error


def _call(address: Address, method: str, timeout_s: float, *arguments: bool | int | str) -> Any:
    """Leaves two errors to the caller: a fault, and an answer that is no XML."""
    transport = _Transport(address, timeout_s)
    with (
        _reached(address, timeout_s),
        xmlrpc.client.ServerProxy("http://supervisor/RPC2", transport=transport) as proxy,
    ):
        return getattr(proxy.supervisor, method)(*arguments)


@contextmanager
def _reached(address: Address, timeout_s: float) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise BackendUnavailable(
            f"supervisor at {address} gave no answer within {timeout_s:g} s",
            "see whether supervisord itself hangs: supervisorctl pid",
        ) from error
    except OSError as error:
        raise _unreachable(error, address) from error
    except xmlrpc.client.ProtocolError as error:
        raise _denied(error, address) from error
    except (http.client.HTTPException, xmlrpc.client.ResponseError) as error:
        raise not_supervisor(address) from error


def not_supervisor(address: Address) -> BackendUnavailable:
    """The error for an answer that supervisord would not give."""
    return BackendUnavailable(
        f"what answers at {address} is not supervisor",
        f"{_SETTING} must be the address of supervisord's own interface: "
        "file= of [unix_http_server] or port= of [inet_http_server]",
    )


def _bad_address() -> BackendUnavailable:
    return BackendUnavailable(
        f"{_SETTING} is not an address of supervisor",
        "write unix:///path/to/supervisor.sock or http://user:password@host:port",
    )


def _unreachable(error: OSError, address: Address) -> BackendUnavailable:
    match error:
        case FileNotFoundError():
            return BackendUnavailable(
                f"there is no supervisor socket at {address}",
                f"start supervisord, or set {_SETTING} to the file= of [unix_http_server]",
            )
        case ConnectionRefusedError():
            return BackendUnavailable(
                f"no supervisor answers at {address}: connection refused",
                "start supervisord; a socket file may be left over from one that died",
            )
        case PermissionError():
            return BackendUnavailable(
                f"this user may not open the supervisor socket {address}",
                "run as its owner, or set chmod= and chown= of [unix_http_server]",
            )
    return BackendUnavailable(
        f"supervisor at {address} cannot be reached: {error}", f"check {_SETTING}"
    )


def _denied(error: xmlrpc.client.ProtocolError, address: Address) -> BackendUnavailable:
    if error.errcode == http.HTTPStatus.UNAUTHORIZED:
        return BackendUnavailable(
            f"supervisor at {address} refused the user name or password",
            f"put its login into {_SETTING}: http://user:password@host:port",
        )
    return not_supervisor(address)


def _faulted(error: xmlrpc.client.Fault, address: Address) -> BackendUnavailable:
    if error.faultCode == FaultCode.SHUTDOWN_STATE:
        return BackendUnavailable(
            f"supervisor at {address} is shutting down", "start supervisord again"
        )
    return not_supervisor(address)


def _refusal(
    error: xmlrpc.client.Fault, address: Address, process: str
) -> OrderRefused | UnknownService | BackendUnavailable:
    if error.faultCode == FaultCode.BAD_NAME:
        return UnknownService(f"supervisor has no process {shown(process)}", "see: supervisorctl")
    if error.faultCode not in list(FaultCode) or error.faultCode == FaultCode.SHUTDOWN_STATE:
        return _faulted(error, address)
    code = FaultCode(error.faultCode)
    return OrderRefused(
        code,
        f"supervisor did not do it for {process}: {_REFUSALS[code]}",
        f"supervisor says {shown(error.faultString)}",
    )


def _login(parts: SplitResult) -> str:
    if parts.username is None:
        return ""
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return base64.b64encode(login.encode()).decode("ascii")


class _Transport(xmlrpc.client.Transport):
    """XML-RPC to an `Address`. The login travels as a header: errors quote URLs, never headers."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        login = [("Authorization", f"Basic {address.login}")] if address.login else []
        super().__init__(headers=login)
        self._address = address
        self._timeout_s = timeout_s

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        """Kept in `_connection`, where the base class closes it."""
        connection = self._address.connect(self._timeout_s)
        self._connection = (host, connection)
        return connection


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, socket_path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._socket_path = socket_path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._socket_path)
