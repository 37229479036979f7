"""What the shell offers when Tab is pressed: names of models, ids of what is kept.

Completion must not fail, print or create anything: without usable settings there is nothing to
offer.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import PurePath

from assistant.errors import MidwatchError

_CATALOG = "knowledge/catalog.sqlite3"
_SESSIONS = "SELECT id, title FROM sessions ORDER BY updated_at_utc DESC, rowid DESC"
_PENDING = "SELECT id, action FROM approvals WHERE state = 'pending' ORDER BY requested_at_utc DESC"
# Those that were noted with midwatch are named after their id.
_INCIDENTS = "SELECT display FROM files WHERE source <> '' AND is_log ORDER BY display DESC"


def model_names(incomplete: str) -> list[tuple[str, str]]:
    """The catalogue's names that begin with `incomplete`, each with its use."""
    from assistant.models.catalog import load_catalog

    entries = load_catalog()
    return [(entry.name, entry.use) for entry in entries if entry.name.startswith(incomplete)]


def session_ids(incomplete: str) -> list[tuple[str, str]]:
    """The ids of sessions that begin with `incomplete`, last used first, each with its title."""
    rows = _rows("sessions.db", _SESSIONS)
    return [(id_, _plain(title)) for id_, title in rows if id_.startswith(incomplete)]


def pending_approvals(incomplete: str) -> list[tuple[str, str]]:
    """The ids of approvals that wait and begin with `incomplete`, each with its action."""
    rows = _rows("approvals.db", _PENDING)
    return [(id_, _plain(action)) for id_, action in rows if id_.startswith(incomplete)]


def incident_ids(incomplete: str) -> list[str]:
    """The ids of the incidents that were noted and begin with `incomplete`, latest first."""
    ids = (PurePath(display).stem for (display,) in _rows(_CATALOG, _INCIDENTS))
    return [id_ for id_ in ids if id_.startswith(incomplete)]


def _rows(name: str, query: str) -> list[tuple[str, ...]]:
    """The rows of a database in the data folder; none when there is no such thing."""
    from assistant.settings import load_settings

    try:
        database = load_settings().settings.data.dir.absolute() / name
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()
    except (MidwatchError, sqlite3.Error):
        return []


def _plain(text: str) -> str:
    """Words alone: zsh evaluates what completion prints, and anybody may have asked anything."""
    return " ".join(re.findall(r"[\w.,-]+", text))
