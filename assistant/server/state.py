"""What all requests of a server share."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from assistant.access.quotas import Quotas
from assistant.events import Event
from assistant.interface import Assistant
from assistant.observing.watching import Watch
from assistant.server.journaling import Journal
from assistant.server.turns import Turns
from assistant.server.uploads import Uploads


@dataclass(slots=True)
class ServerState:
    """The assistant, the turns that run on it, who observes them, and what clients sent along."""

    assistant: Assistant
    turns: Turns
    uploads: Uploads
    watch: Watch
    quotas: Quotas
    journal: Journal | None
    """What outlives this process; None: nothing does."""
    version: str
    settings: str = ""
    """The digest of the settings that this server answers by."""
    is_ready: bool = field(default=False)
    """Whether the model is loaded, or a first question would wait for it."""

    def noted(
        self, turn: str, question: str, session: str | None, events: AsyncGenerator[Event]
    ) -> AsyncGenerator[Event]:
        """The turn's `events`, which the journal hears of, too."""
        if self.journal is None:
            return events
        return self.journal.noting(turn, question, session, events)


def state_of(request: Request) -> ServerState:
    """The state of the server that this request came to."""
    found = request.app.state.serving
    assert isinstance(found, ServerState)
    return found


State = Annotated[ServerState, Depends(state_of)]
