"""The address of the database: it holds a password, so the settings only name the variable."""

from __future__ import annotations

import os
from collections.abc import Mapping

from assistant.errors import SettingsError

_FORM = "set it like postgresql://user:password@host:5432/database"


def read_address(variable: str, environment: Mapping[str, str] = os.environ) -> str:
    """The address in the environment variable of that name. Raises SettingsError.

    No error shows it.
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    address = environment.get(variable, "").strip()
    if not address:
        raise SettingsError(f"[data] postgres_env: {variable} is not set", _FORM)
    try:
        conninfo_to_dict(address)
    except psycopg.ProgrammingError:
        # Its words quote the address.
        raise SettingsError(f"{variable} holds no address of a PostgreSQL", _FORM) from None
    return address
