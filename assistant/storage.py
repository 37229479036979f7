"""Where sessions and approvals are kept: in the data folder, or in a PostgreSQL that many share."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import TYPE_CHECKING

from assistant.settings import Settings

if TYPE_CHECKING:
    from assistant.approvals.store import ApprovalStore
    from assistant.sessions import SessionStore


def session_store(settings: Settings) -> AbstractAsyncContextManager[SessionStore]:
    """The sessions of `settings`. Raises SettingsError; opening it raises DataFolderError."""
    variable = settings.data.postgres_env
    if variable:
        from assistant.postgres.address import read_address
        from assistant.sessions.postgres import open_shared_sessions

        return open_shared_sessions(read_address(variable))
    from assistant.sessions import open_sessions

    return open_sessions(settings.data.dir)


def approval_store(settings: Settings) -> AbstractContextManager[ApprovalStore]:
    """The approvals of `settings`. Raises SettingsError; opening it raises DataFolderError."""
    variable = settings.data.postgres_env
    if variable:
        from assistant.approvals.postgres import open_shared_store
        from assistant.postgres.address import read_address

        return open_shared_store(read_address(variable))
    from assistant.approvals.store import open_store

    return open_store(settings.data.dir)
