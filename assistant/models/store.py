"""The models folder: what lies there, whether it is whole, and which file a name means.

A digest is computed when a file arrives and on `verify`, not at every start: 1.1 GB take a
second or more. A stamp beside a verified file keeps its size and time of change, so that a later
change shows.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import ModelError
from assistant.models.catalog import Catalog, CatalogEntry, load_catalog
from assistant.models.digest import digest_file
from assistant.models.gguf import check_whole
from assistant.models.progress import ModelProgress, ProgressCallback, silent


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of a digest check: the SHA-256 that was expected, and the file's own."""

    expected: str
    actual: str

    @property
    def ok(self) -> bool:
        """Whether the file is the one that the catalogue means."""
        return self.actual == self.expected


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A GGUF file in the models folder; `entry` is None when the catalogue does not know it.

    `is_verified` is known from the stamp, without reading the file.
    """

    path: Path
    size_bytes: int
    entry: CatalogEntry | None
    is_verified: bool


class ModelStore:
    """The model files in `models_dir`, which need not exist yet. Reads only, but for stamps."""

    def __init__(self, models_dir: Path, catalog: Catalog | None = None) -> None:
        self.models_dir = models_dir
        self.catalog = load_catalog() if catalog is None else catalog

    def path(self, entry: CatalogEntry) -> Path:
        """Where the file of `entry` lies, or will lie."""
        return self.models_dir / entry.file

    def entry_at(self, path: Path) -> CatalogEntry | None:
        """The catalogue model whose place `path` is, however it is written."""
        place = path.resolve()
        return next((e for e in self.catalog if self.path(e).resolve() == place), None)

    def installed(self) -> list[InstalledModel]:
        """The GGUF files in the folder, whole or not, by name."""
        paths = sorted(self.models_dir.glob("[!.]*.gguf"))
        return [self._describe(path) for path in paths if path.is_file()]

    def resolve(self, name_or_path: str) -> Path:
        """The whole GGUF file that a catalogue name, a file name in the folder or a path means.

        Raises ModelError when it is missing, cut off, or no GGUF file. Costs no digest.
        """
        entry = self.catalog.get(name_or_path)
        path = self._find_file(name_or_path) if entry is None else self._checked(entry)
        check_whole(path)
        return path

    def verify(self, entry: CatalogEntry, progress: ProgressCallback = silent) -> Verification:
        """Read the whole file of `entry` and compare digests; a good one is stamped.

        Raises ModelError when the file is missing or cannot be read.
        """
        path = self.path(entry)
        if not path.is_file():
            raise _missing(entry, path)
        total = path.stat().st_size
        try:
            digest = digest_file(
                path, lambda done: progress(ModelProgress(entry.name, "verifying", done, total))
            )
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror}") from error
        verification = Verification(expected=entry.sha256, actual=digest.hexdigest())
        if verification.ok:
            self.stamp(entry)
        return verification

    def known_digest(self, path: Path) -> str | None:
        """The SHA-256 of `path` if it is a catalogue model's file that was verified."""
        entry = self.entry_at(path)
        return entry.sha256 if entry is not None and self.is_verified(entry) else None

    def is_verified(self, entry: CatalogEntry) -> bool:
        """Whether the file has had the right digest and has not been changed since."""
        try:
            return self._stamp_path(entry).read_text(encoding="utf-8") == self._stamp_text(entry)
        except (OSError, UnicodeDecodeError):
            return False

    def stamp(self, entry: CatalogEntry) -> None:
        """Note that the file, as it lies there now, has the right digest."""
        stamp = self._stamp_path(entry)
        fresh = stamp.with_name(f"{stamp.name}.new")
        # A folder that may only be read goes without stamps: they save time, nothing hangs on them.
        with contextlib.suppress(OSError):
            fresh.write_text(self._stamp_text(entry), encoding="utf-8")
            fresh.replace(stamp)

    def _describe(self, path: Path) -> InstalledModel:
        entry = self.entry_at(path)
        is_verified = entry is not None and self.is_verified(entry)
        return InstalledModel(path, path.stat().st_size, entry, is_verified)

    def _checked(self, entry: CatalogEntry) -> Path:
        path = self.path(entry)
        if not path.is_file():
            raise _missing(entry, path)
        size = path.stat().st_size
        if size != entry.size_bytes:
            raise ModelError(
                f"{path} has {size:,} bytes instead of {entry.size_bytes:,}: cut off or damaged",
                f"midwatch model pull {entry.name}",
            )
        return path

    def _find_file(self, name_or_path: str) -> Path:
        given = Path(name_or_path)
        # Nobody by that name: then it is a folder called `~name`, or nothing.
        with contextlib.suppress(RuntimeError):
            given = given.expanduser()
        for path in (given, self.models_dir / given):
            if path.is_file():
                return path
        if given.suffix == ".gguf" or given.parent != Path():
            raise ModelError(f"there is no model file at {given}", "give a path to a .gguf file")
        raise ModelError(
            f"no model is called {name_or_path!r}",
            f"known models: {self.catalog.names}; or give a path to a .gguf file",
        )

    def _stamp_path(self, entry: CatalogEntry) -> Path:
        return self.models_dir / f".{entry.file}.verified"

    def _stamp_text(self, entry: CatalogEntry) -> str:
        found = self.path(entry).stat()
        return f"{entry.sha256} {found.st_size} {found.st_mtime_ns}\n"


def _missing(entry: CatalogEntry, path: Path) -> ModelError:
    return ModelError(
        f"the model {entry.name} is not here yet (looked for {path})",
        f"midwatch model pull {entry.name}",
    )
