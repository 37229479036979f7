"""Logs on their way into the knowledge base: which logs the paths stand for, and reading them.

The knowledge base knows files and their documents; here a log with its rotated files is one such
file, named after the newest, and its documents are what `tools.logs.distil` makes of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from knowledge.documents import Unusable
from knowledge.errors import SourceNotFound
from knowledge.files import Listing, SourceFile
from knowledge.loaders import Reading
from tools.logs.analysis import Progress
from tools.logs.distil import distil
from tools.logs.files import is_log, log_sources
from tools.scope import LogSource

# Part of every digest: raised when logs must be distilled anew.
_RECIPE = "1"


@dataclass(frozen=True, slots=True)
class LogReader:
    """Reads logs by the path of their newest file; the knowledge base's SourceReader."""

    sources: dict[Path, LogSource]
    progress: Progress | None = None

    def read(self, file: SourceFile, known_digest: str) -> Reading | None:
        """The documents of a log; None when no file of it changed. Raises Unusable."""
        source = self.sources[file.path]
        digest = _digest(source)
        if digest == known_digest:
            return None
        return Reading(digest, tuple(distil(source, self.progress)))


def list_logs(paths: Iterable[Path], progress: Progress | None = None) -> tuple[Listing, LogReader]:
    """The logs that `paths` stand for, and what reads them.

    In a folder, what is named like a log; a file that is named itself is a log whatever its name.
    Raises SourceNotFound.
    """
    roots = tuple(_absolute(path) for path in paths)
    sources: dict[Path, LogSource] = {}
    files: list[SourceFile] = []
    for root in roots:
        for source in _sources_under(root):
            newest = source.paths[-1]
            if newest not in sources:
                sources[newest] = source
                files.append(SourceFile(newest, str(newest.relative_to(root.parent))))
    return Listing(roots, tuple(files), ()), LogReader(sources, progress)


def _absolute(path: Path) -> Path:
    absolute = path.absolute()
    if not absolute.exists():
        raise SourceNotFound(
            f"{absolute}: no such file or folder", "give a log, or a folder of logs"
        )
    return absolute


def _sources_under(root: Path) -> Iterator[LogSource]:
    if not root.is_dir():
        yield from log_sources(root.parent, [root]).values()
        return
    paths = [path for path in sorted(root.rglob("*")) if _is_visible(root, path)]
    yield from log_sources(root, [path for path in paths if is_log(root, path)]).values()


def _is_visible(root: Path, path: Path) -> bool:
    return path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)


def _digest(source: LogSource) -> str:
    """Changes with any file's name, size or time: reading gigabytes to see that would take long."""
    digest = hashlib.sha256(f"{_RECIPE}\0{source.name}".encode("utf-8", "replace"))
    for path in source.paths:
        try:
            state = path.stat()
        except OSError as error:
            raise Unusable(f"{path.name} cannot be read: {error.strerror}") from error
        digest.update(f"\0{path.name}\0{state.st_size}\0{state.st_mtime_ns}".encode())
    return digest.hexdigest()
