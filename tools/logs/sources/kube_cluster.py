"""The Kubernetes API, read-only: JSON answers and log streams, with every failure worded.

The kubernetes package reads the kubeconfig (logins, certificates, plug-ins) or the service account
of the pod, and signs the requests. Answers are read here, because its own methods read bodies
whole. A `Cluster` can send nothing but GET; the one that can is in `tools.services.kube.orders`.
The kubeconfig is never written, and what the package says about it is never repeated: it quotes
tokens.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tools.errors import BackendUnavailable
from tools.logs.sources.bodies import first_text, read_json
from tools.logs.sources.names import printable
from tools.logs.sources.parallel import run_all
from tools.logs.sources.watch import FetchWatch

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, Configuration
    from urllib3.response import BaseHTTPResponse

_MAX_MESSAGE_BYTES = 4000
_MAX_MESSAGE_CHARS = 200
_MAX_WAIT_S = 10.0
_SUCCESS = (200, 201, 202)
_SETTING = "[kubernetes] context"

Query = Mapping[str, str | int | bool]
_Cluster = TypeVar("_Cluster", bound="Cluster")


@dataclass(frozen=True, slots=True)
class KubernetesTarget:
    """Which pods: those of `namespaces` that `selector` (`app=shop,tier!=test`) fits.

    The cluster is that of `context` in `kubeconfig`. Where these are empty, it is that of the
    current context in $KUBECONFIG or ~/.kube/config, or else the one that this process runs in.
    """

    namespaces: tuple[str, ...]
    selector: str = ""
    context: str = ""
    kubeconfig: Path | None = None


class ClusterRefused(Exception):
    """The API server answered with an error: its HTTP status, and what it says."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class LoginRefused(BackendUnavailable):
    """The API server did not accept the login, and so did nothing."""


class Cluster:
    """An API server. Made for one fetch; any number of threads may use it.

    Raises BackendUnavailable when the kubeconfig cannot be used.
    """

    def __init__(self, target: KubernetesTarget, watch: FetchWatch) -> None:
        from kubernetes.client import ApiClient

        self._watch = watch
        self._context = target.context
        self._client: ApiClient = ApiClient(_configuration(target))

    def close(self) -> None:
        """Close its connections."""
        self._client.rest_client.close()

    def json(self, path: str, query: Query) -> Any:
        """What GET `path` answers. Raises ClusterRefused or BackendUnavailable."""
        return read_json(self.stream(path, query), self._watch, "the API server")

    def stream(self, path: str, query: Query) -> BaseHTTPResponse:
        """The answer to GET `path`, its body not read. Raises as `json` does."""
        return self._send("GET", path, query, _MAX_WAIT_S)

    def _send(
        self,
        method: str,
        path: str,
        query: Query,
        max_wait_s: float,
        body: Mapping[str, Any] | None = None,
        content_type: str = "",
    ) -> BaseHTTPResponse:
        """The answer, if its status is one of success; its body is not read.

        `max_wait_s` bounds each wait for it, and so does the watch.
        """
        headers = {"Accept": "application/json, */*"}
        _, url, headers, sent, *_ = self._client.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params=headers | ({"Content-Type": content_type} if content_type else {}),
            body=body,
            auth_settings=["BearerToken"],
        )
        wait_s = max(0.1, min(max_wait_s, self._watch.left_s))
        with _mapped(self._context):
            answer = self._client.call_api(
                method, url, headers, sent, _request_timeout=(wait_s, wait_s)
            )
        response: BaseHTTPResponse = answer.response
        if response.status not in _SUCCESS:
            raise self._refusal(response)
        return response

    def _refusal(self, response: BaseHTTPResponse) -> ClusterRefused | BackendUnavailable:
        said = _said(first_text(response, _MAX_MESSAGE_BYTES, self._watch))
        if response.status == 401:
            return LoginRefused(
                "the API server did not accept the login", f"log in again: {_try(self._context)}"
            )
        return ClusterRefused(response.status, f"{response.status} {said}".strip())


def open_cluster(target: KubernetesTarget, watch: FetchWatch) -> AbstractContextManager[Cluster]:
    """The cluster, for as long as the context lasts. Raises BackendUnavailable, in time."""
    return opened(Cluster, target, watch)


@contextmanager
def opened(
    cluster_type: type[_Cluster], target: KubernetesTarget, watch: FetchWatch
) -> Iterator[_Cluster]:
    """A cluster of this type; see `open_cluster`."""
    (cluster,) = run_all([partial(cluster_type, target, watch)], watch)
    if cluster is None:
        raise BackendUnavailable(
            f"the login of the kubeconfig did not come: {watch.stop_reason()}",
            _try(target.context),
        )
    try:
        yield cluster
    finally:
        cluster.close()


def _configuration(target: KubernetesTarget) -> Configuration:
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException, load_incluster_config, load_kube_config
    from urllib3 import Retry
    from yaml import YAMLError

    configuration = Configuration()
    path = str(target.kubeconfig.expanduser()) if target.kubeconfig else None
    try:
        load_kube_config(  # type: ignore[no-untyped-call]
            path, target.context or None, client_configuration=configuration, persist_config=False
        )
    except (ConfigException, YAMLError, OSError, ValueError, LookupError, TypeError):
        if target.context or target.kubeconfig:
            raise _unusable(target) from None
        try:
            load_incluster_config(configuration)  # type: ignore[no-untyped-call]
        except (ConfigException, OSError):
            raise _unusable(target) from None
    if not configuration.host.startswith(("https://", "http://")):
        raise _unusable(target)
    # A redirection would take the login elsewhere; a retry would take the time of other requests.
    configuration.retries = Retry(0, raise_on_redirect=False)
    return configuration


def _unusable(target: KubernetesTarget) -> BackendUnavailable:
    where = f" of {target.kubeconfig}" if target.kubeconfig else ""
    which = f"the context {printable(target.context)}" if target.context else "the current context"
    return BackendUnavailable(
        f"{which}{where} cannot be used", f"check {_SETTING}, and try: {_try(target.context)}"
    )


@contextmanager
def _mapped(context: str) -> Iterator[None]:
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (ApiException, HTTPError, OSError) as error:
        raise BackendUnavailable(
            f"the API server cannot be reached: {_reason(error)}", f"try: {_try(context)}"
        ) from error


def _reason(error: Exception) -> str:
    from kubernetes.client import ApiException
    from urllib3.exceptions import (
        MaxRetryError,
        NameResolutionError,
        NewConnectionError,
        SSLError,
        TimeoutError,
    )

    cause = error.reason if isinstance(error, MaxRetryError) else error
    match cause:
        case NameResolutionError():
            return "its name is not known"
        case NewConnectionError():
            return "the connection was refused"
        case TimeoutError():
            return "it gave no answer in time"
        case ApiException() | SSLError():
            return "it does not speak TLS, or its certificate or ours was not accepted"
    return "the connection broke off"


def _said(body: str) -> str:
    """The `message` of a Status, which is what the API server answers with on errors."""
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        body = str(json.loads(body)["message"])
    return printable(body, _MAX_MESSAGE_CHARS)


def _try(context: str) -> str:
    chosen = f" --context {printable(context)}" if context else ""
    return f"kubectl{chosen} get pods"
