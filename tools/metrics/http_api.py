"""`HttpApi`: one question to a Prometheus HTTP API, with every way it can fail worded for a person.

Time, size and unpacked size of an answer are bounded. Only the paths that ask something are ever
called. What the answers mean is left to `tools.metrics.prometheus`.
"""

from __future__ import annotations

import json
import ssl
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from tools.errors import BackendUnavailable, InvalidQuery, SourceUnreadable
from tools.metrics.backend import Deadline

MAX_BODY_BYTES = 16 << 20
_MAX_MESSAGE_CHARS = 300
_MAX_CONNECTIONS = 8
# Longer queries do not fit into every proxy's idea of an address.
_MAX_GET_CHARS = 2000
_URL_SETTING = "metrics.prometheus"

Path_ = Literal[
    "query", "query_range", "series", "labels", "alerts", "targets", "metadata", "label/{}/values"
]
Parameters = Mapping[str, str | Sequence[str]]


class ApiMissing(BackendUnavailable):
    """The server answers, and does not know this part of the API."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where a Prometheus is and how to be let in. Its text holds no secret.

    `url` may carry a path (`https://host/prometheus`). `tenant` is sent as `X-Scope-OrgID`.
    """

    url: str = field(repr=False)
    token: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    tenant: str = ""

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


@dataclass(frozen=True, slots=True)
class Answer:
    """The `data` of an answer, and the server's own `warnings`."""

    data: Any
    warnings: tuple[str, ...] = ()


class HttpApi:
    """Asks the API at `access`; may be used by several threads. Raises SourceUnreadable for a bad
    certificate file, InvalidQuery for a bad address."""

    def __init__(self, access: Access, *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._access = access
        self._max_body_bytes = max_body_bytes
        self._base = _base(access)
        self._client = httpx.Client(
            headers=_headers(access),
            auth=_login(access),
            verify=_certificates(access.ca_file),
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=_MAX_CONNECTIONS),
        )

    def __str__(self) -> str:
        return str(self._access)

    def ask(
        self, path: Path_, parameters: Parameters, deadline: Deadline, label: str = ""
    ) -> Answer:
        """The answer to one question. Raises BackendUnavailable, ApiMissing or InvalidQuery."""
        given_s = deadline.left_s
        try:
            status, kind, body = self._fetch(path.format(label), parameters, deadline)
        except (httpx.TimeoutException, _OutOfTime) as error:
            raise BackendUnavailable(
                f"Prometheus at {self} gave no answer within {given_s:.1f} s",
                "ask for less time or fewer series, or see whether it is overloaded",
            ) from error
        except httpx.HTTPError as error:
            raise BackendUnavailable(
                f"Prometheus at {self} cannot be reached: {_message(error)}",
                f"see whether it runs, and whether {_URL_SETTING} is its address",
            ) from error
        return self._read(status, kind, body)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _fetch(
        self, path: str, parameters: Parameters, deadline: Deadline
    ) -> tuple[int, str, bytes]:
        if not deadline.left_s:
            raise _OutOfTime
        request = self._request(f"{self._base}/api/v1/{path}", parameters, deadline.left_s)
        response = self._client.send(request, stream=True)
        try:
            if response.is_redirect:
                raise BackendUnavailable(
                    f"Prometheus at {self} sends elsewhere: "
                    f"{response.headers.get('location', '')[:120]}",
                    f"set {_URL_SETTING} to the address of the API itself; it may want a login",
                )
            encoding = response.headers.get("content-encoding", "")
            body = self._body(response.iter_raw(), encoding, deadline)
            return response.status_code, response.headers.get("content-type", ""), body
        finally:
            response.close()

    def _request(self, url: str, parameters: Parameters, timeout_s: float) -> httpx.Request:
        given = {name: value for name, value in parameters.items() if value != ""}
        is_long = sum(len(str(value)) for value in given.values()) > _MAX_GET_CHARS
        if is_long:
            return self._client.build_request("POST", url, data=given, timeout=timeout_s)
        return self._client.build_request("GET", url, params=given, timeout=timeout_s)

    def _body(self, chunks: Iterator[bytes], encoding: str, deadline: Deadline) -> bytes:
        """The body, unpacked no further than it may be long."""
        unpack = zlib.decompressobj(wbits=47) if encoding in ("gzip", "deflate") else None
        if encoding not in ("", "identity", "gzip", "deflate"):
            raise self._strange(f"it packs answers as {encoding}")
        body = bytearray()
        for chunk in chunks:
            if not deadline.left_s:
                raise _OutOfTime
            try:
                room = self._max_body_bytes - len(body) + 1
                body += unpack.decompress(chunk, room) if unpack else chunk
            except zlib.error as error:
                raise self._strange("its answer is not what it says it is") from error
            if len(body) > self._max_body_bytes:
                raise BackendUnavailable(
                    f"the answer of Prometheus at {self} is larger than "
                    f"{self._max_body_bytes >> 20} MiB",
                    "ask for less: sum by (job) (…), topk(10, …), or a shorter time",
                )
        return bytes(body)

    def _read(self, status: int, kind: str, body: bytes) -> Answer:
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        if isinstance(answer, dict) and answer.get("status") == "error":
            raise self._refusal(status, answer)
        if status >= 400:
            raise self._http_error(status)
        if not isinstance(answer, dict) or answer.get("status") != "success":
            raise self._strange(
                f"it answers {kind.partition(';')[0] or 'something'} that is no API"
            )
        warnings = answer.get("warnings") or ()
        texts = warnings if isinstance(warnings, list) else ()
        return Answer(answer.get("data"), tuple(str(text)[:_MAX_MESSAGE_CHARS] for text in texts))

    def _refusal(self, status: int, answer: Mapping[str, Any]) -> Exception:
        """The error for an answer in which the API itself says what is wrong."""
        message = " ".join(str(answer.get("error", "no reason given")).split())[:_MAX_MESSAGE_CHARS]
        match answer.get("errorType"):
            case "bad_data" | "execution" | "422":
                return InvalidQuery(f"Prometheus refuses the query: {message}")
            case "timeout" | "canceled":
                return BackendUnavailable(
                    f"Prometheus at {self} gave up on the query: {message}",
                    "ask for less time or fewer series",
                )
            case "not_found":
                return ApiMissing(f"Prometheus at {self}: {message}")
        if status in (400, 422):
            return InvalidQuery(f"Prometheus refuses the query: {message}")
        return BackendUnavailable(f"Prometheus at {self} failed ({status}): {message}")

    def _http_error(self, status: int) -> BackendUnavailable:
        if status in (401, 403):
            return BackendUnavailable(
                f"Prometheus at {self} does not let us in ({status})",
                "set the token or user and password in [metrics]",
            )
        if status in (404, 405, 501):
            return ApiMissing(
                f"there is no such Prometheus API at {self} ({status})",
                f"see whether {_URL_SETTING} needs a path, such as /prometheus",
            )
        return BackendUnavailable(
            f"Prometheus at {self} answers with status {status}", "see its log, or its proxy's"
        )

    def _strange(self, what: str) -> BackendUnavailable:
        return BackendUnavailable(
            f"what is at {self} does not speak as Prometheus does: {what}",
            f"see whether {_URL_SETTING} is the address of Prometheus",
        )


class _OutOfTime(Exception):
    """The deadline has passed."""


def _base(access: Access) -> str:
    try:
        parts = urlsplit(access.url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        is_usable = False
    if not is_usable:
        raise InvalidQuery(
            f"{_URL_SETTING} is not the address of a Prometheus", 'write "http://host:9090"'
        )
    return str(access).rstrip("/").removesuffix("/api/v1")


def _headers(access: Access) -> dict[str, str]:
    headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
    if access.token:
        headers["Authorization"] = f"Bearer {access.token}"
    if access.tenant:
        headers["X-Scope-OrgID"] = access.tenant
    return headers


def _login(access: Access) -> httpx.BasicAuth | None:
    parts = urlsplit(access.url)
    user, password = access.user or parts.username or "", access.password or parts.password or ""
    return httpx.BasicAuth(user, password) if user and not access.token else None


def _certificates(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise SourceUnreadable(
            f"the certificates in {ca_file} cannot be used: {error}",
            "set metrics.ca_file to a file of PEM certificates",
        ) from error


def _message(error: httpx.HTTPError) -> str:
    return str(error)[:_MAX_MESSAGE_CHARS] or type(error).__name__
