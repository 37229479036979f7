"""Fingerprints of evidence: two that are equal mean that nothing an answer rests on has changed.

A file is known by what the kernel says of it, as `make` and version control do, and a small one by
its content, too. What cannot be known without looking at all of it (metrics, probes, the journal,
containers, this machine) has no fingerprint: a question about it is always worked on.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from assistant.errors import MidwatchError
from assistant.interface import AskRequest
from assistant.live import has_live_logs, live_scope
from assistant.settings import Settings
from tools.errors import ToolsError
from tools.scope import Scope, ServiceState

# The window of a live question moves with the clock: what was "the last hour" is it no more.
LIVE_MAX_AGE_S = 60.0
_SMALL_BYTES = 16 * 1024
# Within one tick of a file system's clock a file can change twice and look the same; the coarsest
# of them tick every two seconds.
_SETTLED_NS = 2_000_000_000
_MAX_FILES = 5000


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What evidence is the same as; `max_age_s` is how long that says enough, None: always."""

    digest: str
    max_age_s: float | None = None


class _Unsteady(Exception):
    """Something that may change without anybody being able to tell."""


def evidence_fingerprint(request: AskRequest, settings: Settings) -> Fingerprint | None:
    """The fingerprint of all that `request` may look at; None where there can be none.

    Reads small files and the metadata of others, and asks service managers of a live question.
    """
    try:
        if request.bundle is not None:
            return Fingerprint(_digest(["bundle", *_bundle_marks(request.bundle)]))
        if request.stdin_file is not None:
            return None  # It is new each time: nobody else can ask about it.
        if request.files:
            # In their order, which decides about names.
            return Fingerprint(_digest(["files", *map(_named_mark, request.files)]))
        return _live_fingerprint(settings)
    except (OSError, _Unsteady, ToolsError, MidwatchError):
        # What is wrong is said by whoever opens the evidence.
        return None


def knowledge_digest(held: Mapping[Path, str]) -> str | None:
    """What the knowledge base holds: the digest of each file that was ingested, by its path.

    The files themselves count, too: a runbook's steps are read from where it lies. None where one
    has just changed.
    """
    try:
        return _digest(
            [f"{path}\0{digest}\0{_state(path)}" for path, digest in sorted(held.items())]
        )
    except _Unsteady:
        return None


def _bundle_marks(folder: Path) -> Iterator[str]:
    """A mark of each file that may be evidence, or says what is."""
    root = folder.resolve(strict=True)
    yield str(root)
    num_files = 0
    for place, folders, names in os.walk(root, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith(".")):
            num_files += 1
            if num_files > _MAX_FILES:
                raise _Unsteady
            path = Path(place, name)
            # A link that leads nowhere is no evidence until it leads somewhere.
            yield f"{path}\0{_mark(path) if path.exists() else 'nothing'}"


def _live_fingerprint(settings: Settings) -> Fingerprint | None:
    has_more = (
        settings.host.look
        or settings.metrics.prometheus
        or settings.probes.allow
        or has_live_logs(settings)
    )
    if has_more:
        return None
    marks = _live_marks(live_scope(settings, datetime.now(UTC)))
    return Fingerprint(_digest(["live", *marks]), LIVE_MAX_AGE_S)


def _live_marks(scope: Scope) -> Iterator[str]:
    for name, source in scope.logs.items():
        for path in source.paths:
            yield f"{name}\0{path}\0{_mark(path) if path.exists() else 'nothing'}"
    for backend in scope.services:
        yield backend.name
        yield from map(_service_mark, backend.list_services())


def _service_mark(service: ServiceState) -> str:
    """All that its manager says, but for how long it has been well, which is never the same."""
    told = [
        service.name,
        service.state,
        service.is_healthy,
        service.pid,
        service.exit_status,
        None if service.since is None else service.since.isoformat(),
        [str(path) for path in service.log_paths],
        "" if service.is_healthy else service.description,
    ]
    return json.dumps(told)


def _named_mark(path: Path) -> str:
    return f"{path.absolute()}\0{_mark(path)}"


def _mark(path: Path) -> str:
    """What stands for the file: its metadata, and of a small one its content. Raises OSError.

    A pipe has no content that stays, and what the kernel makes up as it is read has no size.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise _Unsteady
    if found.st_size > _SMALL_BYTES:
        return _settled(found)
    with path.open("rb") as file:
        content = file.read(_SMALL_BYTES + 1)
    if len(content) != found.st_size:
        raise _Unsteady
    return f"{_metadata(found)} {hashlib.blake2b(content).hexdigest()}"


def _state(path: Path) -> str:
    """The file's metadata, or that it is not there."""
    try:
        return _settled(path.stat())
    except OSError:
        return "nothing"


def _settled(found: os.stat_result) -> str:
    """The metadata of a file that was not touched just now; raises `_Unsteady` when it was."""
    if time.time_ns() - found.st_ctime_ns < _SETTLED_NS:
        raise _Unsteady
    return _metadata(found)


def _metadata(found: os.stat_result) -> str:
    """Who writes to a file, or replaces it, changes one of these; no program can set the last."""
    return f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def _raise(error: OSError) -> None:
    raise error


def _digest(parts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        # A file's name may be bytes that are no text.
        data = part.encode("utf-8", "surrogateescape")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()
