"""Which files are logs, and which of them are one log.

By their names, as log rotation and support bundles write them (`app.log`, `app.log.1.zst`,
`app.log-20250131.gz`), and where names do not say it, by their first lines. What stands in a log is
`tools.logs.reader`'s business.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tools.errors import ToolsError
from tools.logs.reader import head_text, tail_text
from tools.logs.records import RecordParser
from tools.scope import LogSource

_PACKED = re.compile(r"\.(?:gz|zst)$")
_LOG_SUFFIX = re.compile(r"\.(?:log|jsonl)$|\.log[.-]\d[\w-]*$")
_ROTATION = re.compile(r"[.-](\d{8}(?:-?\d{4,6})?|\d{4}-\d\d-\d\d(?:[T_-][\d-]+)?|\d{1,3})$")
_FETCH_NUMBER = re.compile(r"_(\d{1,3})$")
_HEAD_LINES = 200
_LOG_SHARE = 0.3


def is_log(root: Path, path: Path) -> bool:
    """Whether a file below the folder `root` is a log, by its name or a folder `logs` above it."""
    return "logs" in path.relative_to(root).parts[:-1] or has_log_name(path)


def has_log_name(path: Path) -> bool:
    """Whether a file is a log by its own name."""
    return bool(_LOG_SUFFIX.search(_unpacked(path.name)))


def looks_like_log(path: Path) -> bool:
    """Whether many of the first lines have a time or a level. Raises SourceUnreadable."""
    lines = [line for line in head_text(path).splitlines()[:_HEAD_LINES] if line.strip()]
    if not lines:
        return False
    parser = RecordParser(datetime.now(UTC))
    records = [parser.parse(line) for line in lines]
    like = sum(1 for record in records if record.time is not None or record.level is not None)
    return like / len(lines) >= _LOG_SHARE


def log_sources(root: Path, paths: Sequence[Path]) -> dict[str, LogSource]:
    """The logs that `paths`, files below `root`, make up, by name; rotated files are one log."""
    by_name: defaultdict[tuple[Path, str], list[Path]] = defaultdict(list)
    for path in paths:
        by_name[(path.parent, _stem(path))].append(path)
    sources: dict[str, LogSource] = {}
    for (folder, stem), files in _joined_fetches(by_name).items():
        name = free_name(stem, sources, folder.relative_to(root).name)
        sources[name] = LogSource(name, tuple(sorted(files, key=_age)))
    return sources


def free_name(name: str, taken: Mapping[str, object], folder: str = "") -> str:
    """`name` in a form that is not in `taken`: as it is, behind `folder`, or with a number."""
    # A file's name may be bytes that are no text, which neither a database nor a model takes.
    name = os.fsencode(name).decode("utf-8", "replace")
    if name not in taken:
        return name
    if folder and folder != "." and f"{folder}/{name}" not in taken:
        return f"{folder}/{name}"
    number = 2
    while f"{name} ({number})" in taken:
        number += 1
    return f"{name} ({number})"


def times_in(text: str) -> list[datetime]:
    """The time stamps of the lines of `text`, in their order."""
    parser = RecordParser(datetime.now(UTC))
    times = (parser.parse(line).time for line in text.split("\n"))
    return [time for time in times if time is not None]


def _unpacked(name: str) -> str:
    """The name that a file had before it was compressed."""
    return _PACKED.sub("", name)


def _stem(path: Path) -> str:
    name = _unpacked(path.name)
    rotation = _ROTATION.search(name)
    if rotation:
        name = name[: rotation.start()]
    name = re.sub(r"\.(?:log|jsonl|txt|out|err)$", "", name)
    dated = _ROTATION.search(name)
    if dated and len(dated[1]) >= 8:
        name = name[: dated.start()]
    return name or path.name


def _age(path: Path) -> tuple[int, float, str]:
    """A sorting key, oldest first: `app.log.2`, `app.log.1`, `app.log`; dates in their order."""
    name = _unpacked(path.name)
    name = re.sub(r"(?<=.)\.(?:log|jsonl|txt)$", "", name)
    rotation = _ROTATION.search(name)
    if rotation is None:
        return (1, 0.0, name)
    digits = re.sub(r"\D", "", rotation[1])
    if len(digits) >= 8:
        return (0, float(digits.ljust(14, "0")), name)
    return (0, -float(digits), name)


def _joined_fetches(
    groups: Mapping[tuple[Path, str], list[Path]],
) -> dict[tuple[Path, str], list[Path]]:
    """`app_2` joins `app` when it plainly continues it: it begins after `app` ends."""
    joined = {key: list(files) for key, files in groups.items()}
    for (folder, stem), files in groups.items():
        numbered = _FETCH_NUMBER.search(stem)
        first = (folder, stem[: numbered.start()]) if numbered else None
        if first in joined and first is not None and _continues(joined[first][-1], files[0]):
            joined[first].extend(joined.pop((folder, stem)))
    return joined


def _continues(earlier: Path, later: Path) -> bool:
    try:
        end, start = times_in(tail_text(earlier)), times_in(head_text(later))
    except ToolsError:
        return False
    return bool(end and start) and max(end) < min(start)
