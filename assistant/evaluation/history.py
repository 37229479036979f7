"""The last run of each suite, to compare the next one with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2s
from pathlib import Path
from typing import Any

from knowledge.whole_file import write_whole


@dataclass(frozen=True, slots=True)
class SavedRun:
    """A run as it was kept: when, on which model, its figures and its rows."""

    finished_at_utc: datetime
    model: str
    figures: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]


def last_run(data_dir: Path, suite: Path) -> SavedRun | None:
    """The last whole run of `suite`; None when there was none that can be read."""
    try:
        kept = json.loads(_file(data_dir, suite).read_text(encoding="utf-8"))
        finished = datetime.fromisoformat(kept["finished_at_utc"])
        return SavedRun(finished, kept["model"], kept["figures"], kept["rows"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_run(
    data_dir: Path,
    suite: Path,
    model: str,
    figures: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Keep this run as the last one of `suite`."""
    file = _file(data_dir, suite)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = {
        "finished_at_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": model,
        "figures": figures,
        "rows": rows,
    }
    text = json.dumps(kept, ensure_ascii=False)
    write_whole(file, lambda partial: partial.write_text(text, encoding="utf-8"))


def _file(data_dir: Path, suite: Path) -> Path:
    digest = blake2s(str(suite.resolve()).encode(), digest_size=6).hexdigest()
    return data_dir / "evaluations" / f"{digest}.json"
