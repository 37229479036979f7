"""`Assistant`: what every front talks to, wherever the model runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from assistant.events import Event
from assistant.sessions import SessionInfo


@dataclass(frozen=True, slots=True)
class AskRequest:
    """A question and the evidence that came with it.

    `session` names a session to continue (the beginning of its id is enough); with
    `continue_last` the last used one; otherwise a new one begins. `bundle` is a folder to answer
    from instead of the live systems, `files` are attachments, and `stdin_file` is the spooled
    standard input. A continued session that brings none of them goes on with those of its last
    turn.
    """

    question: str
    session: str | None = None
    continue_last: bool = False
    bundle: Path | None = None
    files: tuple[Path, ...] = ()
    stdin_file: Path | None = None


class Assistant(Protocol):
    """Answers questions, in this process or in another."""

    def ask(self, request: AskRequest) -> AsyncGenerator[Event]:
        """The turn's events, ending in `TurnFinished` or `TurnFailed`.

        Closing the iterator cancels the turn; nothing of it is kept.
        """
        ...

    async def sessions(self) -> list[SessionInfo]:
        """All sessions, the last used one first."""
        ...

    async def aclose(self) -> None:
        """Release the model and all files."""
        ...
