"""From settings to a running server."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, Depends

from assistant.access.quotas import Limits, Quotas
from assistant.access.static import read_shared, shared_of
from assistant.access.tokens import TokenStore
from assistant.errors import SettingsError
from assistant.local import LocalAssistant, ModelLoader, load_model, open_local_assistant
from assistant.observing.logs import json_logging
from assistant.observing.metrics import Metrics
from assistant.observing.request_watch import RequestWatch
from assistant.observing.watching import Watch
from assistant.redacting import open_redactor
from assistant.server.app import create_app
from assistant.server.auth import Principal, Verify, principal_of, requires
from assistant.server.completions import ServedModel, completions_router
from assistant.server.journaling import open_journal
from assistant.server.observing_routes import engine_router, metrics_router
from assistant.server.serving import Listener, listen_tcp, listen_unix, only_server, serve
from assistant.server.state import ServerState
from assistant.server.turns import Turns
from assistant.server.uploads import Uploads
from assistant.settings import ServerSettings, Settings, fingerprint
from assistant.sockets import socket_path
from tools.window import parse_duration

_UPLOADS = "uploads"


async def run_server(settings: Settings, load: ModelLoader = load_model) -> None:
    """Serve on the sockets that the settings name, until a signal ends it.

    Raises ServerError where they cannot be had, SettingsError and DataFolderError.
    """
    path = socket_path(settings)
    with ExitStack() as stack:
        stack.enter_context(only_server(path))
        listeners = [Listener(stack.enter_context(listen_unix(path)))]
        if settings.server.listen:
            opened = stack.enter_context(listen_tcp(settings.server.listen))
            listeners.append(Listener(opened, _tls(settings.server)))
        await _serve(settings, load, path, listeners)


async def _serve(
    settings: Settings, load: ModelLoader, path: Path, listeners: list[Listener]
) -> None:
    folder = settings.server.uploads_dir or settings.data.dir / _UPLOADS
    uploads = Uploads(folder, settings.server.max_upload_mib << 20)
    redact = open_redactor(settings).redact
    with json_logging(redact, logging.INFO), ExitStack() as stack:
        async with (
            open_local_assistant(settings, load) as assistant,
            _watching(settings, assistant) as watch,
            open_journal(assistant.store) as journal,
        ):
            tokens = stack.enter_context(TokenStore.open(settings.data.dir))
            await asyncio.to_thread(uploads.sweep)
            quotas = _quotas(settings.server)
            name = version("midwatch")
            state = ServerState(
                assistant, Turns(), uploads, watch, quotas, journal, name, fingerprint(settings)
            )
            models = _models(settings, assistant, redact)
            routers = (models, *_observing(state))
            app = create_app(state, str(path), _verify(settings, tokens), redact, routers)

            async def prepare() -> None:
                await assistant.prepare()
                state.is_ready = True

            drain_s = parse_duration(settings.server.drain).total_seconds()
            watched = RequestWatch(app, watch.metrics)
            await serve(watched, state.turns, listeners, drain_s=drain_s, prepare=prepare)


@asynccontextmanager
async def _watching(settings: Settings, assistant: LocalAssistant) -> AsyncIterator[Watch]:
    """The metrics, and traces where there is a collector; what they hold is sent at the end."""
    metrics = Metrics(version("midwatch"), assistant.engines)
    if not settings.telemetry.otlp:
        yield Watch(metrics)
        return
    from assistant.observing.traces import open_traces

    traces = open_traces(settings.telemetry.otlp, version("midwatch"))
    try:
        yield Watch(metrics, traces)
    finally:
        await asyncio.to_thread(traces.close)


def _models(
    settings: Settings, assistant: LocalAssistant, redact: Callable[[str], str]
) -> APIRouter:
    """`/v1/…`: the model itself, in the form that other programs know."""
    name = settings.model.name
    served = ServedModel(Path(name).stem if name.endswith(".gguf") else name, assistant.chat_model)
    return _guarded(completions_router([served], redact=redact), requires("ask"))


def _guarded(router: APIRouter, check: Callable[..., object]) -> APIRouter:
    """`router`, for those whom `check` lets through."""
    whole = APIRouter(dependencies=[Depends(check)])
    whole.include_router(router)
    return whole


def _observing(state: ServerState) -> Iterator[APIRouter]:
    """`/metrics` and `/api/engine`, for whoever has any token."""

    async def count() -> int:
        return sum(one.status == "pending" for one in await state.assistant.approvals())

    metrics = state.watch.metrics
    for router in (metrics_router(metrics, count), engine_router(metrics, count)):
        yield _guarded(router, principal_of)


def _verify(settings: Settings, tokens: TokenStore) -> Verify:
    """Who a token's holder is. Raises TokenError."""
    shared = read_shared(os.environ.get(settings.server.tokens_env, ""))

    def verify(text: str) -> Principal | None:
        token = shared_of(text, shared) or tokens.verify(text)
        if token is None:
            return None
        return Principal(token.name, frozenset(token.scopes), token.front)

    return verify


def _quotas(settings: ServerSettings) -> Quotas:
    people = Limits(
        settings.max_turns_per_user,
        settings.max_turns_per_minute_user,
        settings.max_turns_per_hour_user,
        settings.max_tokens_per_day_user,
    )
    return Quotas(people, Limits(turns_per_minute=settings.max_alerts_per_minute))


def _tls(settings: ServerSettings) -> tuple[Path, Path] | None:
    """The files of the certificate and its key. Raises SettingsError for one without the other."""
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise SettingsError(
            "[server] tls_certificate and tls_key belong together", "set both, or neither"
        )
    return certificate, key
