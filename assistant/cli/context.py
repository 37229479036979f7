"""What every command has at hand: settings read on first use, and the exit statuses."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from assistant.local import LocalAssistant
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

    @cached_property
    def loaded(self) -> LoadedSettings:
        """The settings with the origin of each key. Raises SettingsError."""
        from assistant.settings import load_settings

        return load_settings(config=self.config, flags=self.flags)

    @property
    def settings(self) -> Settings:
        """The settings. Raises SettingsError."""
        return self.loaded.settings

    def open_redactor(self) -> Callable[[str], str]:
        """What takes secrets out of a text, whatever is wrong with the settings."""
        from assistant.redacting import open_redactor
        from tools.redaction.redactor import Redactor

        try:
            return open_redactor(self.settings).redact
        except Exception:  # noqa: BLE001 - the failure itself is what is to be shown next
            # Its placeholders match those of no other run.
            return Redactor(secrets.token_bytes(32)).redact


def opened(context: Context) -> AbstractAsyncContextManager[LocalAssistant]:
    """The assistant for one question or decision; its model loads when it is wanted."""
    from assistant.local import load_model, open_local_assistant

    return open_local_assistant(context.settings, partial(load_model, is_brief=True))


def context_of(context: typer.Context) -> Context:
    """The command's `Context`."""
    found = context.obj
    assert isinstance(found, Context)
    return found
