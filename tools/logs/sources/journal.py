"""The systemd journal as an origin of logs: one log per unit.

journalctl reads backwards, so that whatever limit ends it, the newest entries are there. Running it
is left to `tools.logs.sources.journalctl`, the entries to `tools.logs.sources.journal_entries`.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil, floor
from pathlib import Path

from tools.errors import BackendUnavailable
from tools.logs.sources.backward import BackwardSpool
from tools.logs.sources.journal_entries import FIELDS, JournalEntry, parse_entry
from tools.logs.sources.journalctl import JournalctlRun
from tools.logs.sources.names import printable
from tools.logs.sources.origin import Check, Fetched, Haul
from tools.logs.sources.watch import FetchLimits, FetchWatch
from tools.window import Window

_REST = "other units"
_EMPTY = "the journal has no entry"
# What journalctl ends with when a pattern fits no unit that is in the journal.
_NO_SUCH_UNIT = "Failed to add filter for units: No data available"
_CHECK_LIMITS = FetchLimits(timeout_s=5.0)
_UNIT_SUFFIX = re.compile(
    r"\.(?:automount|device|mount|path|scope|service|slice|socket|swap|target|timer)$"
)
_GROUP_HINT = "run midwatch as root or as a member of the group systemd-journal"


@dataclass(frozen=True, slots=True)
class JournalTarget:
    """The journal of this machine, or the journal files in `directory`.

    `units` (names or patterns; all when empty) are what `journalctl --unit` takes. `has_kernel`
    adds the kernel's own messages, where it says which process it killed.
    """

    units: tuple[str, ...] = ()
    has_kernel: bool = True
    directory: Path | None = None


@dataclass(frozen=True, slots=True)
class JournalOrigin:
    """The units of `target`, each with its entries; `program` is the journalctl to run."""

    target: JournalTarget = JournalTarget()
    program: str = "journalctl"
    name: str = field(default="journal", init=False)

    def fetch(
        self, window: Window, folder: Path, limits: FetchLimits, watch: FetchWatch | None = None
    ) -> Haul:
        """The logs of `window`, one per unit; see LogOrigin. Raises BackendUnavailable."""
        logs = _UnitLogs(self.name, folder, limits)
        watch = watch or FetchWatch(limits)
        notes: list[str] = []
        for selection in self._selections():
            notes += self._read([*_range(window), *selection], logs, watch)
        for unit in self._expected():
            logs.expect(unit)
        closed = logs.close()
        if not closed and not notes:
            notes.append(f"{_EMPTY} for the time in question")
        return Haul(closed, tuple(dict.fromkeys((*notes, *logs.notes()))))

    def check(self) -> Check:
        """Whether this user can read the journal; see LogOrigin."""
        with tempfile.TemporaryDirectory(prefix="midwatch-") as folder:
            logs = _UnitLogs(self.name, Path(folder), _CHECK_LIMITS)
            try:
                notes = self._read(["--lines=1"], logs, FetchWatch(_CHECK_LIMITS))
            except BackendUnavailable as error:
                return Check(False, f"journal: {error.message}; {error.hint}")
            has_entries = bool(logs.close())
        if notes:
            return Check(False, f"journal: {'; '.join(notes)}")
        if not has_entries:
            return Check(False, f"journal: {_EMPTY}; see whether systemd-journald keeps one here")
        return Check(True, "journal: readable")

    def _selections(self) -> Iterator[list[str]]:
        yield [f"--unit={unit}" for unit in self.target.units]
        if self.target.units and self.target.has_kernel:
            yield ["_TRANSPORT=kernel"]

    def _expected(self) -> Iterator[str]:
        """The units that are there even when they wrote nothing: silence is evidence too."""
        for unit in self.target.units:
            if not re.search(r"[*?\[]", unit):
                yield unit if _UNIT_SUFFIX.search(unit) else f"{unit}.service"

    def _read(self, arguments: Sequence[str], logs: _UnitLogs, watch: FetchWatch) -> list[str]:
        run = JournalctlRun([*self._command(), *arguments], watch, self.name)
        unread = 0
        for line in run:
            entry = parse_entry(line)
            if entry is None:
                unread += 1
            elif entry.log != "kernel" or self.target.has_kernel:
                logs.add(entry)
        if run.exit_status and _NO_SUCH_UNIT not in run.complaints:
            raise _failed(run.complaints)
        return [*_notes(run, unread)]

    def _command(self) -> list[str]:
        place = [f"--directory={self.target.directory}"] if self.target.directory else []
        fields = f"--output-fields={','.join(FIELDS)}"
        return [self.program, *place, "--output=json", fields, "--all", "--no-pager", "--reverse"]


def _range(window: Window) -> list[str]:
    # Whole seconds, and rather too much: what reads the files knows the window exactly.
    start = [f"--since=@{floor(window.start.timestamp())}"] if window.start else []
    end = [f"--until=@{ceil(window.end.timestamp())}"] if window.end else []
    return start + end


class _UnitLogs:
    """The logs of one fetch, one per unit; when there are too many, the rest share one."""

    def __init__(self, origin: str, folder: Path, limits: FetchLimits) -> None:
        self._origin = origin
        self._folder = folder
        self._limits = limits
        self._spools: dict[str, BackwardSpool] = {}
        self._crowded: set[str] = set()

    def add(self, entry: JournalEntry) -> None:
        """Add the next older entry to its log."""
        self._spool(printable(entry.log)).write(entry.text.encode("utf-8", "replace"))

    def expect(self, unit: str) -> None:
        """Make sure that there is a log for `unit`."""
        self._spool(printable(unit))

    def close(self) -> tuple[Fetched, ...]:
        """All logs, by name."""
        return tuple(self._spools[unit].close() for unit in sorted(self._spools))

    def notes(self) -> list[str]:
        """What became of units that have no log of their own."""
        if not self._crowded:
            return []
        return [f"{len(self._crowded)} units share the log {self._origin}:{_REST}"]

    def _spool(self, unit: str) -> BackwardSpool:
        if unit not in self._spools and len(self._spools) >= self._limits.max_logs - 1:
            self._crowded.add(unit)
            unit = _REST
        if unit not in self._spools:
            name = f"{self._origin}:{unit}"
            number = len(self._spools) + 1
            self._spools[unit] = BackwardSpool(self._folder, number, name, self._limits)
        return self._spools[unit]


def _notes(run: JournalctlRun, unread: int) -> Iterator[str]:
    if run.stop_reason:
        yield f"older entries of the journal were not read: {run.stop_reason}"
    if run.oversized:
        yield f"{run.oversized:,} entries of the journal are too long and were left out"
    if unread:
        yield f"{unread:,} entries of the journal have no message or no time"
    if "not seeing messages from other users" in run.complaints:
        yield f"only the journal of this user was read, not the system's; {_GROUP_HINT}"
    if "ignoring file" in run.complaints:
        yield "a damaged journal file was left out"


def _failed(complaints: str) -> BackendUnavailable:
    said = printable(complaints)
    if "insufficient permissions" in said or "Permission denied" in said:
        return BackendUnavailable("this user may not read the journal", _GROUP_HINT)
    if "add filter for units" in said:
        return BackendUnavailable(
            "journalctl refused the names of the units", "check the units in [logs] journal"
        )
    return BackendUnavailable(
        f"journalctl failed: {said or 'it did not say why'}",
        "try the same by hand: journalctl --lines=1",
    )
