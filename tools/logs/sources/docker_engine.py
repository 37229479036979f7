"""The Docker Engine API, read-only: JSON answers and log streams, with every failure worded.

The docker package finds the engine (DOCKER_HOST, TLS) and agrees on a version of the API. Requests
go through its session, because its own methods read bodies whole and hide connections that broke.
A `DockerEngine` can send nothing but GET; the one that can is in `tools.services.docker_orders`.
Engines that speak the same API (podman) will do.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from tools.errors import BackendUnavailable
from tools.logs.sources.bodies import first_text, read_json
from tools.logs.sources.names import printable
from tools.logs.sources.parallel import run_all
from tools.logs.sources.watch import FetchWatch

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

_MAX_MESSAGE_BYTES = 2000
_MAX_WAIT_S = 10.0
_DEFAULT = "unix:///var/run/docker.sock"
_HINT = "start the engine, or set DOCKER_HOST to where it listens"

Query = Mapping[str, str | int | float]
_Engine = TypeVar("_Engine", bound="DockerEngine")


class DockerRefused(Exception):
    """The engine answered with an error: its HTTP status, and in `message` what it says."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class DockerEngine:
    """The engine at `url` (`unix:///path`, `tcp://host:port`); where DOCKER_HOST says when empty.

    Made for one fetch; any number of threads may use it. Raises BackendUnavailable when no engine
    answers.
    """

    def __init__(self, url: str, watch: FetchWatch) -> None:
        from docker import APIClient
        from docker.utils import kwargs_from_env

        self._watch = watch
        self._timeout_s = max(1, ceil(min(_MAX_WAIT_S, watch.left_s)))
        self._shown = _shown(url)
        with self._mapped():
            found = kwargs_from_env()
            place = url or str(found.get("base_url", ""))
            self._shown = _shown(place)
            _try_socket(place or _DEFAULT, self._timeout_s)
            self._client = APIClient(
                base_url=place or None,
                tls=found.get("tls", False),
                version="auto",
                timeout=self._timeout_s,
            )

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def json(self, path: str, query: Query) -> Any:
        """What GET `path` answers. Raises DockerRefused or BackendUnavailable."""
        return read_json(self.stream(path, query), self._watch, self._shown)

    def stream(self, path: str, query: Query) -> BaseHTTPResponse:
        """The answer to GET `path`, its body not read. Raises as `json` does."""
        return self._send("GET", path, query, self._timeout_s, good=(200,))

    def _send(
        self, method: str, path: str, query: Query, wait_s: float, good: tuple[int, ...]
    ) -> BaseHTTPResponse:
        """The answer, if its status is one of `good`; `wait_s` bounds each wait for it."""
        with self._mapped():
            response = self._client.request(
                method,
                f"{self._client.base_url}/v{self._client.api_version}{path}",
                params=query,
                headers={"Accept-Encoding": "identity"},
                timeout=wait_s,
                stream=True,
                allow_redirects=False,
            )
        raw: BaseHTTPResponse = response.raw
        if raw.status not in good:
            raise DockerRefused(raw.status, self._message(raw))
        return raw

    def _message(self, response: BaseHTTPResponse) -> str:
        body = first_text(response, _MAX_MESSAGE_BYTES, self._watch)
        return f"{response.status} {printable(_said(body))}".strip()

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        try:
            yield
        except (DockerException, RequestException, OSError, ValueError, TypeError) as error:
            raise _unavailable(error, self._shown) from error


def open_engine(url: str, watch: FetchWatch) -> AbstractContextManager[DockerEngine]:
    """The engine, for as long as the context lasts. Raises BackendUnavailable, in time."""
    return opened(DockerEngine, url, watch)


@contextmanager
def opened(engine_type: type[_Engine], url: str, watch: FetchWatch) -> Iterator[_Engine]:
    """An engine of this type; see `open_engine`."""
    (engine,) = run_all([partial(engine_type, url, watch)], watch)
    if engine is None:
        raise BackendUnavailable(f"no docker engine answered: {watch.stop_reason()}", _HINT)
    try:
        yield engine
    finally:
        engine.close()


def _try_socket(url: str, timeout_s: float) -> None:
    """Raise OSError when nobody listens there: the docker package would leave a socket open."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        with socket.socket(socket.AF_UNIX) as attempt:
            attempt.settimeout(timeout_s)
            attempt.connect(parts.netloc + parts.path)


def _said(body: str) -> str:
    """The `message` of an error's body, which is JSON where the engine itself wrote it."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return body


def _shown(url: str) -> str:
    """The engine's address for a person: without a user name and password."""
    try:
        parts = urlsplit(url or _DEFAULT)
    except ValueError as error:
        raise BackendUnavailable("the address of the docker engine is none", _HINT) from error
    place = parts.netloc.rpartition("@")[2] + parts.path
    return f"the docker engine at {printable(place)}"


def _unavailable(error: Exception, engine: str) -> BackendUnavailable:
    cause = _cause(error)
    match cause:
        case FileNotFoundError():
            return BackendUnavailable(f"{engine} is not there: no such socket", _HINT)
        case PermissionError():
            return BackendUnavailable(
                f"this user may not open the socket of {engine}",
                "run midwatch as root or as a member of the group docker",
            )
        case ConnectionRefusedError():
            return BackendUnavailable(f"{engine} does not answer: connection refused", _HINT)
        case TimeoutError():
            return BackendUnavailable(f"{engine} gave no answer in time", "see whether it hangs")
    return BackendUnavailable(f"{engine} does not answer as one", _HINT)


def _cause(error: BaseException) -> BaseException:
    """The operating system's or the network's own error, below the layers that wrapped it."""
    from requests.exceptions import Timeout

    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, Timeout):
            return TimeoutError()
        if isinstance(seen, OSError) and seen.errno is not None:
            return seen
        seen = seen.__cause__ or seen.__context__
    return error
