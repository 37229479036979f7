"""Noticing that documents have changed.

Notifications (inotify and its like, through watchfiles) say when to look; what changed is found by
looking: the files that an ingest would take, by size and time. So what an editor, a checkout, a
swapped link or a folder moved in does to them needs no rules of its own, and noise (`.git`, build
outputs) changes nothing. A slow look from time to time finds what no notification tells of:
changes made on other machines, and behind links.

Where there are no notifications (too many folders, a folder that may not be read) it looks every
few seconds. watchfiles could poll as well, but compares whole seconds and only for newer times:
the second save within a second, or an older file put back, would go unseen.

Taking the changes in is the caller's: list the files anew, and ingest.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from knowledge.files import FailedFile, walk

if TYPE_CHECKING:
    from watchfiles.main import FileChange

LOOK_S = 60.0
POLL_S = 2.0

# Looking takes at most this share of the time, however many files there are.
_SHARE = 1 / 20
_TICK_MS = 250
# Changes count as one when less than the first lies between them, and the second in all.
_QUIET_MS = 200
_LONGEST_MS = 5_000

_Sight = Mapping[Path, tuple[int, ...]]


def changes(
    roots: Iterable[Path], stop: Event, note: Callable[[str], None], *, is_polling: bool = False
) -> Iterator[frozenset[Path]]:
    """Which files below `roots` changed, each time that some did; ends with `stop`, or Ctrl-C.

    The first set is empty, and comes as soon as nothing can change unnoticed any more: whoever
    ingests for each set, the first as well, misses nothing. Roots may be files, and may vanish and
    come back. What a person should know goes to `note`. `is_polling`, for file systems that notify
    of nothing, looks every POLL_S seconds.
    """
    absolute = tuple(Path(os.path.abspath(root)) for root in roots)  # noqa: PTH100 - keeps links
    with contextlib.suppress(KeyboardInterrupt):
        yield from _Watch(absolute, stop, note, is_polling).changes()


class _Unavailable(Exception):
    """The system cannot notify of changes below the roots; the message is the reason."""


class _Watch:
    """A watch over roots: when to look, and what has changed since the last look."""

    def __init__(
        self, roots: tuple[Path, ...], stop: Event, note: Callable[[str], None], is_polling: bool
    ) -> None:
        self._roots = roots
        self._stop = stop
        self._note = note
        self._is_polling = is_polling
        self._is_deaf = False
        self._may_look_at = self._must_look_at = 0.0

    def changes(self) -> Iterator[frozenset[Path]]:
        seen: _Sight | None = None
        is_told = False
        for is_news in self._hints():
            is_told |= is_news
            if not self._is_time_to_look(is_told):
                continue
            sight = self._look()
            changed = None if seen is None else _differences(seen, sight)
            # A change that nothing told of: a folder is not watched, or no longer.
            self._is_deaf = bool(changed) and not is_told
            is_told, seen = False, sight
            if changed is None or changed:
                yield changed or frozenset()

    def _is_time_to_look(self, is_told: bool) -> bool:
        return time.monotonic() >= (self._may_look_at if is_told else self._must_look_at)

    def _look(self) -> _Sight:
        started = time.monotonic()
        sight = dict(_marks(self._roots))
        now = time.monotonic()
        self._may_look_at = now + (now - started) / _SHARE
        self._must_look_at = max(self._may_look_at, now + LOOK_S)
        return sight

    def _hints(self) -> Iterator[bool]:
        """Several times a second, or as often as is polled: whether there may be news."""
        while not self._stop.is_set():
            try:
                yield from self._ticks() if self._is_polling else self._notifications()
            except _Unavailable as error:
                self._is_polling = True
                self._note(f"{error}: looking for changes every {POLL_S:g} s instead")

    def _ticks(self) -> Iterator[bool]:
        yield True
        while not self._stop.wait(POLL_S):
            yield True

    def _notifications(self) -> Iterator[bool]:
        """Hints from the system, for as long as the roots are those that it watches."""
        self._is_deaf = False
        roots = _identities(self._roots)
        is_news = True  # what happened before the watch began
        # Watching a file would end when an editor replaces it; asking after a few is cheap.
        for batch in self._batches(root for root in roots if root.is_dir()):
            yield is_news or bool(batch)
            is_news = False
            gone = {path for change, path in batch if change.name == "deleted"}
            is_replaced = roots != _identities(self._roots) or not gone.isdisjoint(map(str, roots))
            if is_replaced or self._is_deaf:
                return

    def _batches(self, folders: Iterable[Path]) -> Iterator[set[FileChange]]:
        import watchfiles

        try:
            yield from watchfiles.watch(
                *folders,
                watch_filter=None,
                debounce=_LONGEST_MS,
                step=_QUIET_MS,
                rust_timeout=_TICK_MS,
                yield_on_timeout=True,
                stop_event=self._stop,
                force_polling=False,
                # True would also hide that there are too many folders.
                ignore_permission_denied=False,
            )
        except FileNotFoundError:  # a folder went just now: begin again with what is left
            self._stop.wait(_TICK_MS / 1000)
        except (OSError, RuntimeError) as error:  # the library's own error is a RuntimeError
            raise _Unavailable(str(error).partition(" about [")[0].rstrip(".")) from error


def _identities(roots: Iterable[Path]) -> dict[Path, tuple[int, ...]]:
    """What tells each root that is there from another in its place; a file, from itself changed."""
    found: dict[Path, tuple[int, ...]] = {}
    for root in roots:
        with contextlib.suppress(OSError):
            status = root.stat()
            found[root] = (
                (status.st_dev, status.st_ino)
                if stat.S_ISDIR(status.st_mode)
                else (status.st_size, status.st_mtime_ns)
            )
    return found


def _marks(roots: Iterable[Path]) -> Iterator[tuple[Path, tuple[int, ...]]]:
    """The files there are, with what is different once one has changed."""
    for found in walk(roots):
        if isinstance(found, FailedFile):
            yield found.path, ()
            continue
        with contextlib.suppress(OSError):
            status = found.stat()
            yield found, (status.st_size, status.st_mtime_ns)


def _differences(one: _Sight, other: _Sight) -> frozenset[Path]:
    return frozenset(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))
