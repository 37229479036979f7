"""What every command has at hand: settings read on first use, and the exit statuses."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from assistant.cli.output import note

if TYPE_CHECKING:
    from assistant.archive import Archive
    from assistant.client.finding import ServerAddress
    from assistant.client.remote import RemoteAssistant
    from assistant.interface import Assistant
    from assistant.library import Library
    from assistant.settings import LoadedSettings, Settings

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_WAITING = 3
EXIT_INTERRUPTED = 130


@dataclass(frozen=True)
class Context:
    """The global options. Settings are read when a command first asks for them, not before."""

    config: Path | None
    flags: Mapping[str, Any]
    verbose: bool
    server: str = ""
    """The address of the server to use; empty: the one that is found."""
    is_local: bool = False
    """Whether to work in this process even where a server runs."""

    @cached_property
    def loaded(self) -> LoadedSettings:
        """The settings with the origin of each key. Raises SettingsError."""
        from assistant.settings import load_settings

        return load_settings(config=self.config, flags=self.flags)

    @property
    def settings(self) -> Settings:
        """The settings. Raises SettingsError."""
        return self.loaded.settings

    def with_flags(self, flags: Mapping[str, Any]) -> Context:
        """The same with more flags."""
        return replace(self, flags={**self.flags, **flags})

    def open_redactor(self) -> Callable[[str], str]:
        """What takes secrets out of a text, whatever is wrong with the settings."""
        from assistant.redacting import open_redactor
        from tools.redaction.redactor import Redactor

        try:
            return open_redactor(self.settings).redact
        except Exception:  # noqa: BLE001 - the failure itself is what is to be shown next
            # Its placeholders match those of no other run.
            return Redactor(secrets.token_bytes(32)).redact


def opened(context: Context) -> AbstractAsyncContextManager[Assistant]:
    """The assistant for one question or decision: a server's where one runs, else one's own.

    One's own loads its model when it is wanted. Raises SettingsError and ServerError.
    """
    address = _server(context)
    if address is not None:
        return _remote(context, address)
    from assistant.local import load_model, open_local_assistant

    return open_local_assistant(context.settings, partial(load_model, is_brief=True))


def opened_library(context: Context) -> AbstractAsyncContextManager[Library | RemoteAssistant]:
    """What `opened` opens, as far as it is the knowledge base: that is there at once."""
    address = _server(context)
    if address is not None:
        return _remote(context, address)
    from assistant.library import open_library

    return open_library(context.settings)


def opened_archive(context: Context) -> AbstractAsyncContextManager[Archive | RemoteAssistant]:
    """What `opened` opens, as far as it is the sessions: those are there at once."""
    address = _server(context)
    if address is not None:
        return _remote(context, address)
    from assistant.archive import open_archive

    return open_archive(context.settings)


def _server(context: Context) -> ServerAddress | None:
    """The server to use; None to work in this process."""
    # Another model than the settings name is not the one that the server has loaded.
    if context.is_local or context.flags.get("model.name") is not None:
        return None
    from assistant.client.finding import find_server

    return find_server(context.settings, context.server)


@asynccontextmanager
async def _remote(context: Context, address: ServerAddress) -> AsyncIterator[RemoteAssistant]:
    """The assistant there; it is said when one on this machine has other settings than these."""
    from assistant.client.remote import open_remote_assistant

    async with open_remote_assistant(address) as assistant:
        if address.socket is not None:
            from assistant.settings import fingerprint

            theirs = await assistant.settings()
            if theirs and theirs != fingerprint(context.settings):
                note("The server that runs has other settings than these; --local uses these.")
        yield assistant


def context_of(context: typer.Context) -> Context:
    """The command's `Context`."""
    found = context.obj
    assert isinstance(found, Context)
    return found
