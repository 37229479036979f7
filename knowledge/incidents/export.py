"""Incidents as a folder of Markdown files: written for the team's git, and read back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from knowledge.documents import Unusable
from knowledge.errors import SourceNotFound, StoreUnavailable
from knowledge.files import FailedFile
from knowledge.incidents.incident import Incident
from knowledge.incidents.markdown import from_markdown, to_markdown
from knowledge.incidents.merge import IncidentFile
from knowledge.whole_file import write_whole

MAX_BYTES = 5_000_000
_SUFFIXES = (".md", ".markdown")


@dataclass(frozen=True, slots=True)
class ExportReport:
    """How many files were written, and how many said the same already."""

    written: int
    unchanged: int


def write_all(incidents: Iterable[Incident], folder: Path) -> ExportReport:
    """Write each incident to `ID.md` in `folder`, which is made when it is missing.

    Each file is there whole or as it was. Raises StoreUnavailable.
    """
    written = unchanged = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for incident in incidents:
            if _write(folder / f"{incident.id}.md", to_markdown(incident).encode()):
                written += 1
            else:
                unchanged += 1
    except OSError as error:
        raise StoreUnavailable(
            f"{folder} cannot be written: {error.strerror}", "choose a folder that is writable"
        ) from error
    return ExportReport(written, unchanged)


def read_all(paths: Iterable[Path]) -> tuple[list[IncidentFile], list[FailedFile]]:
    """The incidents in Markdown files, and in those directly or further below folders.

    Raises SourceNotFound when one of `paths` is not there.
    """
    files: list[IncidentFile] = []
    failed: list[FailedFile] = []
    for path in dict.fromkeys(file for named in paths for file in _files(named)):
        try:
            files.append(_read(path))
        except Unusable as error:
            failed.append(FailedFile(path, str(error)))
    return files, failed


def _files(named: Path) -> list[Path]:
    if not named.exists():
        raise SourceNotFound(f"{named}: no such file or folder", "name what was exported")
    if not named.is_dir():
        return [named]
    found = (path for path in sorted(named.rglob("*")) if path.suffix.lower() in _SUFFIXES)
    return [path for path in found if _is_visible(path.relative_to(named))]


def _is_visible(path: Path) -> bool:
    return not any(part.startswith(".") for part in path.parts)


def _read(path: Path) -> IncidentFile:
    try:
        if not path.is_file():
            raise Unusable("not a regular file")
        state = path.stat()
        if state.st_size > MAX_BYTES:
            raise Unusable(f"larger than {MAX_BYTES // 1_000_000} MB")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Unusable("not UTF-8; convert it") from error
    modified = datetime.fromtimestamp(state.st_mtime, UTC)
    return IncidentFile(from_markdown(text, path), str(path), modified)


def _write(path: Path, content: bytes) -> bool:
    """Whether the file had to be written."""
    if path.is_file() and path.read_bytes() == content:
        return False
    # For the team's git, not a secret of this user.
    write_whole(path, lambda partial: partial.write_bytes(content), mode=0o644)
    return True
