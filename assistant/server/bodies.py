"""What requests carry, checked before anything is done with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from assistant.approvals.person import Front, Person
from assistant.interface import IngestKind, Urgency
from tools.services.control import Verb

MAX_QUESTION_CHARS = 200_000
_MAX_NAME_CHARS = 200
_MAX_FILES = 100


def _absolute(path: Path) -> Path:
    if not path.is_absolute() or "\0" in str(path):
        raise ValueError("must be an absolute path of the server's machine")
    return path


def _nameable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one printable line")
    return text


Name = Annotated[str, Field(min_length=1, max_length=_MAX_NAME_CHARS), AfterValidator(_nameable)]
ServerPath = Annotated[Path, AfterValidator(_absolute)]
TurnId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
UploadId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PersonBody(_Body):
    """A person, as a front has verified them."""

    front: Front
    user: Name
    groups: Annotated[tuple[Name, ...], Field(max_length=1000)] = ()

    @property
    def person(self) -> Person:
        """Raises ApprovalRefused."""
        return Person(self.front, self.user, self.groups)


class AskBody(_Body):
    """A question. Paths are the server's, for callers on its socket; others upload first."""

    question: Annotated[str, Field(min_length=1, max_length=MAX_QUESTION_CHARS)]
    session: Annotated[str, Field(max_length=_MAX_NAME_CHARS)] | None = None
    continue_last: bool = False
    bundle: ServerPath | None = None
    files: Annotated[tuple[ServerPath, ...], Field(max_length=_MAX_FILES)] = ()
    stdin_file: ServerPath | None = None
    uploads: Annotated[tuple[UploadId, ...], Field(max_length=_MAX_FILES)] = ()
    """Uploaded files, or one uploaded bundle."""
    person: PersonBody | None = None
    urgency: Urgency = "chat"
    severity: Annotated[str, Field(max_length=_MAX_NAME_CHARS)] = ""
    is_deep: bool = False
    may_be_cached: bool = True


class DecisionBody(_Body):
    """A decision on an approval."""

    verdict: Literal["approved", "rejected"]
    person: PersonBody | None = None
    note: Annotated[str, Field(max_length=2_000)] = ""
    goes_on: bool = True


class OrderBody(_Body):
    """An action on a service that somebody orders."""

    verb: Verb
    service: Name
    backend: Annotated[str, Field(max_length=_MAX_NAME_CHARS)] = ""
    replicas: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    person: PersonBody | None = None


class RunBody(_Body):
    """Code that somebody wants to have run in the sandbox."""

    language: Literal["bash", "python"]
    code: Annotated[str, Field(min_length=1, max_length=100_000)]
    folder: ServerPath | None = None
    has_network: bool = False
    reason: Annotated[str, Field(max_length=2_000)] = ""
    person: PersonBody | None = None


class RenameBody(_Body):
    """A session's new title."""

    title: Name


class IngestBody(_Body):
    """Documents to take in; paths are the server's."""

    paths: Annotated[tuple[ServerPath, ...], Field(max_length=1000)] = ()
    kind: IngestKind = "auto"
    rebuild: bool = False
