"""From settings to a running server."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from assistant.errors import SettingsError
from assistant.local import ModelLoader, load_model, open_local_assistant
from assistant.redacting import open_redactor
from assistant.server.app import create_app
from assistant.server.serving import Listener, listen_tcp, listen_unix, only_server, serve
from assistant.server.state import ServerState
from assistant.server.turns import Turns
from assistant.server.uploads import Uploads
from assistant.settings import ServerSettings, Settings
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
    uploads = Uploads(settings.data.dir / _UPLOADS, settings.server.max_upload_mib << 20)
    async with open_local_assistant(settings, load) as assistant:
        await asyncio.to_thread(uploads.sweep)
        state = ServerState(assistant, Turns(), uploads, version("midwatch"))
        app = create_app(state, str(path), redact=open_redactor(settings).redact)

        async def prepare() -> None:
            await assistant.prepare()
            state.is_ready = True

        drain_s = parse_duration(settings.server.drain).total_seconds()
        await serve(app, state.turns, listeners, drain_s=drain_s, prepare=prepare)


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
