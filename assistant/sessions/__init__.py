"""Sessions: which conversations there are, the evidence ledger of each, and the turns under way.

`turns` are what is kept, `schema` the tables, `store` what is done with them. They lie in one
SQLite file (`file`) or, for several processes on several machines, in PostgreSQL (`postgres`); the
graph's checkpoints lie beside them, in tables of their own (`assistant.agent.saver`).
"""

from assistant.sessions.file import open_sessions
from assistant.sessions.journal import BegunTurn, TurnState
from assistant.sessions.store import SessionStore
from assistant.sessions.turns import SessionInfo, StoredTurn

__all__ = [
    "BegunTurn",
    "SessionInfo",
    "SessionStore",
    "StoredTurn",
    "TurnState",
    "open_sessions",
]
