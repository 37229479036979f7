"""What the shell offers when Tab is pressed: names of models and ids of sessions.

Completion must not fail, print or create anything: without usable settings there is nothing to
offer.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

from assistant.errors import MidwatchError

_SESSIONS = "SELECT id, title FROM sessions ORDER BY updated_at_utc DESC, rowid DESC"


def model_names(incomplete: str) -> list[tuple[str, str]]:
    """The catalogue's names that begin with `incomplete`, each with its use."""
    from assistant.models.catalog import load_catalog

    entries = load_catalog()
    return [(entry.name, entry.use) for entry in entries if entry.name.startswith(incomplete)]


def session_ids(incomplete: str) -> list[tuple[str, str]]:
    """The ids of sessions that begin with `incomplete`, last used first, each with its title."""
    from assistant.settings import load_settings

    try:
        database = load_settings().settings.data.dir.absolute() / "sessions.db"
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(_SESSIONS).fetchall()
    except (MidwatchError, sqlite3.Error):
        return []
    return [(id_, _plain(title)) for id_, title in rows if id_.startswith(incomplete)]


def _plain(text: str) -> str:
    """Words alone: zsh evaluates what completion prints, and anybody may have asked anything."""
    return " ".join(re.findall(r"[\w.,-]+", text))
