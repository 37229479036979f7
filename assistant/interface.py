"""`Assistant`: what every front talks to, wherever the model runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from assistant.approvals.approval import Approval, Verdict
from assistant.approvals.person import Person
from assistant.events import Event
from assistant.sessions import SessionInfo, StoredTurn
from knowledge.base import EVERYTHING, Passage
from knowledge.catalog import Filter
from knowledge.ingest import IngestProgress, IngestReport
from tools.evidence import Evidence
from tools.services.control import Verb

Urgency = Literal["alert", "chat", "background"]
"""Who goes first where many ask at once: an alert before a person, a person before the rest."""
IngestKind = Literal["auto", "runbook", "incident", "log"]
"""What documents are; `auto`: what each of them looks like."""


@dataclass(frozen=True, slots=True)
class AskRequest:
    """A question and the evidence that came with it.

    `session` names a session to continue (the beginning of its id is enough); with
    `continue_last` the last used one; otherwise a new one begins. `bundle` is a folder to answer
    from instead of the live systems, `files` are attachments, and `stdin_file` is the spooled
    standard input. A continued session that brings none of them goes on with those of its last
    turn. `person` is who asks, as the front knows them; None: the user who runs this process.
    `turn` names the turn, so that it can be found again. `urgency` says who goes first, `severity`
    is an alert's, and `is_deep` asks for the larger model; `[routing]` says which that is. Without
    `may_be_cached` the question is worked on even where its answer is known.
    """

    question: str
    session: str | None = None
    continue_last: bool = False
    bundle: Path | None = None
    files: tuple[Path, ...] = ()
    stdin_file: Path | None = None
    person: Person | None = None
    turn: str = ""
    urgency: Urgency = "chat"
    severity: str = ""
    is_deep: bool = False
    may_be_cached: bool = True


@dataclass(frozen=True, slots=True)
class DecideRequest:
    """A person's decision on an approval; `note` is their reason.

    Without `goes_on` the session is told of it, and no model is asked what to do instead. `turn`
    names the turn that this is.
    """

    approval: str
    verdict: Verdict
    person: Person
    note: str = ""
    goes_on: bool = True
    turn: str = ""


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An action that a person orders by itself, without a question.

    `service` is a name as `services list` shows it, or the end of one that is clear; `backend`
    tells service managers apart. `replicas` belongs to `scale`.
    """

    verb: Verb
    service: str
    person: Person
    backend: str = ""
    replicas: int | None = None


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Code that a person wants to have run in the sandbox, after an approval like any action.

    It may write in `folder` alone; without one, nothing of what it writes stays.
    """

    language: Literal["bash", "python"]
    code: str
    person: Person
    folder: Path | None = None
    has_network: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search of the knowledge base for the `count` best passages within `only`."""

    query: str
    count: int = 5
    only: Filter = EVERYTHING


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to. `is_empty`: there is nothing to search in yet."""

    passages: tuple[Passage, ...]
    is_empty: bool


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """Documents to take in from `paths`; without any, from all that were taken in before.

    `rebuild` reads everything anew, and goes without paths.
    """

    paths: tuple[Path, ...] = ()
    kind: IngestKind = "auto"
    rebuild: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """A session with all that it holds: its turns, the oldest first, and its evidence by id."""

    info: SessionInfo
    turns: tuple[StoredTurn, ...]
    evidence: tuple[Evidence, ...]


class Assistant(Protocol):
    """Answers questions, in this process or in another."""

    def ask(self, request: AskRequest) -> AsyncGenerator[Event]:
        """The turn's events, ending in `TurnFinished` or `TurnFailed`.

        Closing the iterator cancels the turn; nothing of it is kept.
        """
        ...

    def decide(self, request: DecideRequest) -> AsyncGenerator[Event]:
        """The decision, the act if it was approved, and the turn that goes on in its session.

        Ends in `TurnFinished` or `TurnFailed`. Closing the iterator does not end an act that began.
        """
        ...

    async def order(self, request: OrderRequest | RunRequest) -> Approval:
        """The approval that the order waits for. Raises MidwatchError or ToolsError."""
        ...

    async def approvals(self, session: str | None = None) -> list[Approval]:
        """All approvals (of `session`), the newest first."""
        ...

    async def sessions(self) -> list[SessionInfo]:
        """All sessions, the last used one first."""
        ...

    async def conversation(self, session: str) -> Conversation:
        """The session of that id, or whose id begins so. Raises SessionError."""
        ...

    async def rename(self, session: str, title: str) -> None:
        """Give the session another title. Raises SessionError."""
        ...

    async def delete(self, session: str) -> str:
        """Remove the session with all that belongs to it; its id. Raises SessionError."""
        ...

    async def search(self, request: SearchRequest) -> Found:
        """What the knowledge base has for a query; no model is asked. Raises KnowledgeError."""
        ...

    def ingest(self, request: IngestRequest) -> AsyncGenerator[IngestProgress | IngestReport]:
        """How far it is, and its report in the end. Raises KnowledgeError and ToolsError.

        Closing the iterator does not end it: what is half read would be read again.
        """
        ...

    async def aclose(self) -> None:
        """Release the model and all files."""
        ...
