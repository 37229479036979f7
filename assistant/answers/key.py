"""`answer_key`: what an answer depends on, as one name for it.

Two questions have one key only when the same words are asked of the same evidence, knowledge and
team rules, and worked on in the same way by the same model. What is not known for sure gives no
key, and the question is worked on.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from assistant.answers.fingerprint import evidence_fingerprint, knowledge_digest
from assistant.errors import MidwatchError
from assistant.interface import AskRequest
from assistant.models.adapters import parse_adapter
from assistant.models.identity import file_digest
from assistant.models.store import ModelStore
from assistant.providers import model_path, models_dir
from assistant.settings import Settings
from knowledge.errors import KnowledgeError

_log = logging.getLogger(__name__)
_FORM = 1  # raised when the parts of a key change
_BLANKS = re.compile(r"[^\S\n]+")
# Where things are kept, and who may ask, changes no answer; what is kept has parts of its own.
_NO_MATTER = frozenset(("data", "audit", "server"))


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """The name of an answer, and for how long it is good at most; None: as long as it is kept."""

    digest: str
    max_age_s: float | None = None


def answer_key(
    request: AskRequest,
    settings: Settings,
    *,
    strategy: str,
    instructions: Sequence[str],
    held: Callable[[], Mapping[Path, str]],
) -> AnswerKey | None:
    """The key of the answer to `request` as a first question; None where none may be kept.

    `held` gives the digests of the files that were ingested, by their paths. Takes milliseconds,
    and once for a new model file about a second.
    """
    if settings.model.temperature > 0 or not request.question.strip():
        return None  # Whoever sets a temperature wants another answer each time.
    evidence = evidence_fingerprint(request, settings)
    if evidence is None:
        return None
    try:
        knowledge, model = knowledge_digest(held()), model_identity(settings)
    except (MidwatchError, KnowledgeError, OSError) as error:
        _log.info("this answer cannot be kept: %s", error)
        return None
    if knowledge is None:
        return None
    parts = {
        "form": _FORM,
        "version": version("midwatch"),
        "question": normalised(request.question),
        "instructions": list(instructions),
        "strategy": strategy,
        "model": model,
        "settings": settings.model_dump(mode="json", exclude=set(_NO_MATTER)),
        "knowledge": knowledge,
        "evidence": evidence.digest,
    }
    text = json.dumps(parts, sort_keys=True)
    return AnswerKey(hashlib.sha256(text.encode()).hexdigest(), evidence.max_age_s)


def normalised(question: str) -> str:
    """The question without what makes no difference: spaces, and ways to write one character.

    Capitals stay: the name of a log, or a word to search for, is another with them.
    """
    text = unicodedata.normalize("NFC", question)
    lines = (_BLANKS.sub(" ", line).strip() for line in text.strip().splitlines())
    return "\n".join(lines)


def model_identity(settings: Settings) -> str:
    """The model's weights and adapters by their content; a server's by its name and address.

    Raises ModelError when there is no such model, and OSError.
    """
    if settings.model.provider != "local":
        return " ".join([settings.model.name, *settings.model.base_urls])
    path = model_path(settings)
    notes = settings.data.dir / "digests"
    known = ModelStore(models_dir(settings)).known_digest(path)
    adapters = [parse_adapter(text) for text in settings.model.adapters]
    digests = [f"{file_digest(one.path, notes)}*{one.scale}" for one in adapters]
    return " ".join([known or file_digest(path, notes), *digests])
