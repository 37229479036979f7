"""What is kept of a conversation, and its stored form: texts and JSON, in ASCII."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from assistant.events import TurnFinished, to_json
from assistant.wire import event_of
from tools.evidence import Finding

TURN_COLUMNS = "question, answer, bundle, files, id, finished"
INFO_COLUMNS = "id, title, started_at_utc, updated_at_utc, num_turns"


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session as the list shows it."""

    id: str
    title: str
    started_at_utc: str
    updated_at_utc: str
    num_turns: int


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A finished turn, with the bundle and the files that it was answered from.

    `id` is the turn's name where it was given one. `finished` is its last event: what it cited, did
    and cost; None for one that an earlier version kept.
    """

    question: str
    answer: str
    bundle: Path | None = None
    files: tuple[Path, ...] = ()
    id: str = ""
    finished: TurnFinished | None = None


def turn_values(turn: StoredTurn) -> list[str]:
    """The values of `TURN_COLUMNS`; paths are absolute."""
    bundle = "" if turn.bundle is None else str(turn.bundle.absolute())
    files = json.dumps([str(path.absolute()) for path in turn.files])
    finished = "" if turn.finished is None else json.dumps(to_json(turn.finished))
    return [turn.question, turn.answer, bundle, files, turn.id, finished]


def restored_turn(
    question: str, answer: str, bundle: str, files: str, turn: str, finished: str
) -> StoredTurn:
    """The turn of a row of `TURN_COLUMNS`."""
    paths = tuple(Path(path) for path in json.loads(files))
    place = Path(bundle) if bundle else None
    return StoredTurn(question, answer, place, paths, turn, _finished(finished))


def stored_finding(finding: Finding) -> str:
    """The finding as it is kept."""
    return json.dumps(asdict(finding), default=datetime.isoformat)


def restored_finding(stored: str) -> Finding:
    """The finding that was kept."""
    values = json.loads(stored)
    at = values.get("at")
    return Finding(**{**values, "at": datetime.fromisoformat(at) if at else None})


def _finished(stored: str) -> TurnFinished | None:
    if not stored:
        return None
    event = event_of(json.loads(stored))
    assert isinstance(event, TurnFinished)
    return event
