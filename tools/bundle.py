"""Bundles: a folder of evidence as a `Scope`.

A support bundle or a folder that somebody threw together holds logs, captures of commands and
perhaps a `bundle.toml`. This module names what is in it; nothing in a bundle is ever written to,
executed or followed out of. Files attached to a question (`-f`, standard input) become a scope here
too.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tools.errors import InvalidQuery, SourceNotFound, SourceUnreadable, ToolsError
from tools.logs.files import free_name, has_log_name, is_log, log_sources, looks_like_log, times_in
from tools.logs.reader import check_readable, head_text, tail_text
from tools.logs.records import parse_time
from tools.scope import Capture, LogSource, Scope
from tools.window import EVERYTHING

if TYPE_CHECKING:
    from tools.metrics.backend import MetricBackend

_NOT_EVIDENCE = frozenset(("bundle.toml", "index.jsonl"))
_MAX_FILES = 5000
_METRICS_S = 5.0


def open_bundle(folder: Path) -> Scope:
    """The evidence in `folder`. Raises SourceNotFound when there is none, SourceUnreadable when a
    bundle file cannot be used.

    *Now* is `bundle.toml`'s, else the newest time stamp of the logs, else of the metrics, else of
    the captures, else of the files.
    """
    root = _checked(folder)
    files = list(_files(root))
    tables = {str(path.relative_to(root)): path for path in files if _is_table(root, path)}
    others = [path for path in files if path not in tables.values()]
    logs = log_sources(root, [path for path in others if is_log(root, path)])
    captures = _captures(root, _without_copies([p for p in others if not is_log(root, p)], logs))
    if not logs and not captures and not tables:
        raise SourceNotFound(
            f"{folder} holds no evidence", "a bundle has logs (*.log, logs/) or command outputs"
        )
    metrics = _metrics(tables) if tables else None
    return Scope("bundle", _now(root, logs, files, metrics), logs, captures, metrics=metrics)


def attach_files(
    paths: Sequence[Path], stdin_path: Path | None = None, *, now: datetime | None = None
) -> Scope:
    """The files a person attached, and standard input spooled to `stdin_path`, as evidence.

    What looks like a log is one, anything else is a capture. `now` is the newest time stamp in the
    logs unless given. Raises SourceNotFound or SourceUnreadable, naming the file.
    """
    logs: dict[str, LogSource] = {}
    captures: dict[str, Capture] = {}
    named = [(path, path.name) for path in paths]
    if stdin_path is not None:
        named.append((stdin_path, "stdin"))
    for path, name in named:
        check_readable(path)
        name = free_name(name, {**logs, **captures})
        if has_log_name(path) or looks_like_log(path):
            logs[name] = LogSource(name, (path,))
        else:
            captures[name] = Capture(name, path)
    files = [path for path, _ in named]
    return Scope("files", now or _newest_time(logs.values(), files), logs, captures)


def _checked(folder: Path) -> Path:
    hint = "name a folder with logs and command outputs"
    try:
        with os.scandir(folder):
            return folder.resolve()
    except FileNotFoundError as error:
        raise SourceNotFound(f"there is no bundle {folder}", hint) from error
    except NotADirectoryError as error:
        raise SourceNotFound(
            f"{folder} is a file, not a bundle folder", "attach a file with -f"
        ) from error
    except OSError as error:
        raise SourceUnreadable(
            f"{folder} cannot be read: {error.strerror}", "check the folder's permissions"
        ) from error


def _files(root: Path) -> Iterator[Path]:
    """The evidence files below `root`, by name."""
    count = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if name.startswith(".") or name in _NOT_EVIDENCE or not _is_inside(root, path):
                continue
            count += 1
            if count > _MAX_FILES:
                raise SourceUnreadable(
                    f"{root} holds more than {_MAX_FILES:,} files", "name a folder further down"
                )
            yield path


def _metrics(tables: Mapping[str, Path]) -> MetricBackend:
    from tools.metrics.tables import TableMetrics  # numpy, which most bundles need not wait for

    return TableMetrics(tables)


def _without_copies(paths: Sequence[Path], logs: Mapping[str, LogSource]) -> list[Path]:
    """The files that are no copy of a log, as the output of a command that showed it is."""
    files = [path for source in logs.values() for path in source.paths]
    sizes = {path.stat().st_size for path in files}
    alike = {path for path in paths if path.stat().st_size in sizes}
    digests = {_digest(path) for path in files} if alike else set()
    return [path for path in paths if path not in alike or _digest(path) not in digests]


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").digest()


def _is_table(root: Path, path: Path) -> bool:
    """Whether a file holds series of metrics: `metrics/*.csv`."""
    return path.parent == root / "metrics" and path.suffix == ".csv"


def _is_inside(root: Path, path: Path) -> bool:
    """Whether `path` is a regular file, and no link that leads out of the bundle."""
    try:
        return path.is_file() and path.resolve(strict=True).is_relative_to(root)
    except OSError:
        return False


def _captures(root: Path, paths: Sequence[Path]) -> dict[str, Capture]:
    index = _indexes({path.parent for path in paths})
    captures: dict[str, Capture] = {}
    for path in paths:
        try:
            check_readable(path)
        except ToolsError:
            continue  # a bundle may hold core files and archives: they are not evidence in text
        relative = str(path.relative_to(root))
        command, succeeded = index.get(path, ("", True))
        name = free_name(path.name, captures, str(Path(relative).parent))
        captures[name] = Capture(name, path, command, succeeded)
    return captures


def _indexes(folders: Iterable[Path]) -> dict[Path, tuple[str, bool]]:
    entries: dict[Path, tuple[str, bool]] = {}
    for folder in folders:
        path = folder / "index.jsonl"
        if path.is_file() and not path.is_symlink():  # a link could lead out of the bundle
            for line in head_text(path, 1 << 20).splitlines():
                entry = _index_entry(line)
                if entry is not None:
                    entries[folder / entry[0]] = entry[1:]
    return entries


def _index_entry(line: str) -> tuple[str, str, bool] | None:
    """(file, command with its parameters, whether it succeeded) of one line; None for rubbish."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
        return None
    params = entry.get("params")
    words = [str(entry.get("command", ""))]
    if isinstance(params, dict):
        words.extend(f"{key}={value}" for key, value in params.items())
    return entry["file"], " ".join(words)[:200], entry.get("status") not in ("error", "failed")


def _now(
    root: Path,
    logs: Mapping[str, LogSource],
    files: Sequence[Path],
    metrics: MetricBackend | None,
) -> datetime:
    settings = root / "bundle.toml"
    if settings.is_file() and not settings.is_symlink():
        try:
            value = tomllib.loads(settings.read_text(encoding="utf-8")).get("now")
        except (OSError, ValueError) as error:
            raise SourceUnreadable(
                f"{settings} cannot be used: {error}", 'write now = "2025-01-31T12:00:00Z"'
            ) from error
        if value is not None:
            return _stated_now(settings, value)
    if not logs and metrics is not None:
        with suppress(ToolsError):
            return _newest_sample(metrics)
    return _newest_time(logs.values(), files)


def _newest_sample(metrics: MetricBackend) -> datetime:
    from tools.metrics.backend import Deadline

    end = metrics.span(EVERYTHING, None, Deadline.after(_METRICS_S)).end
    return datetime.fromtimestamp(end, UTC)


def _stated_now(settings: Path, value: object) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    time = parse_time(value)
    if time is None:
        raise InvalidQuery(
            f"{settings}: now = {value!r} is not a time", 'write now = "2025-01-31T12:00:00Z"'
        )
    return time


def _newest_time(logs: Iterable[LogSource], files: Sequence[Path]) -> datetime:
    newest: list[datetime] = []
    for source in logs:
        try:
            newest.extend(times_in(tail_text(source.paths[-1])))
        except ToolsError:
            continue  # it is reported when somebody reads it
    if newest:
        return max(newest)
    if not files:
        return datetime.now(UTC)
    copied = datetime.fromtimestamp(max(path.stat().st_mtime for path in files), UTC)
    return max((time for path in files for time in _times_before(path, copied)), default=copied)


def _times_before(path: Path, copied: datetime) -> list[datetime]:
    """The times that a capture's beginning tells of; a certificate's end is in the future."""
    try:
        return [time for time in times_in(head_text(path)) if time <= copied]
    except ToolsError:
        return []
