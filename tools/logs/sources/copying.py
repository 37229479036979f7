"""From an HTTP body into a spool: one log, as much of it as comes, and why not more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Protocol

from tools.logs.reader import format_size
from tools.logs.sources.bodies import BodyBrokenOff, blocks
from tools.logs.sources.origin import Fetched, Haul
from tools.logs.sources.parallel import run_all
from tools.logs.sources.spool import Spool
from tools.logs.sources.watch import FetchLimits, FetchWatch

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

# A log that is longer than the part of it that is kept is still read on, to have its newest lines.
_READ_FACTOR = 4
_MAX_NOTES = 8


class Decoder(Protocol):
    """Makes lines of what a body carries. `problem`: why it cannot go on, empty while it can."""

    problem: str

    def feed(self, block: bytes) -> bytes:
        """What `block` adds to the log."""
        ...

    def rest(self) -> bytes:
        """What is left when nothing more comes."""
        ...


class Unchanged:
    """For a body that is the log itself."""

    problem = ""

    def feed(self, block: bytes) -> bytes:
        """The block."""
        return block

    def rest(self) -> bytes:
        """Nothing: nothing was held back."""
        return b""


def copy_log(
    response: BaseHTTPResponse, decoder: Decoder, spool: Spool, watch: FetchWatch
) -> list[str]:
    """Write the log that `response` carries into `spool`; notes on what did not come."""
    notes = []
    read_bytes = 0
    try:
        with closing(blocks(response, watch)) as body:
            for block in body:
                spool.write(decoder.feed(block))
                read_bytes += len(block)
                watch.count(spool.name, len(block), read_bytes)
                if spool.is_past_end:
                    break
                _check(decoder, read_bytes, spool.limits)
    except BodyBrokenOff as error:
        notes.append(f"the log breaks off here: {error.reason}")
    spool.write(decoder.rest())
    spool.end_line()
    return notes


def fetch_all(
    jobs: Sequence[tuple[str, Callable[[], Fetched | str]]],
    notes: Sequence[str],
    watch: FetchWatch,
) -> Haul:
    """What the jobs fetch, each the log that it is named after or why there is none; in order."""
    results = run_all([job for _, job in jobs], watch)
    missing = [name for (name, _), result in zip(jobs, results, strict=True) if result is None]
    said = [result for result in results if isinstance(result, str)]
    if missing:
        said.append(f"{_listed(missing)} did not come: {watch.stop_reason()}")
    logs = tuple(result for result in results if isinstance(result, Fetched))
    more = [f"and {len(said) - _MAX_NOTES} more logs"] if len(said) > _MAX_NOTES else []
    return Haul(logs, (*notes, *said[:_MAX_NOTES], *more))


def _check(decoder: Decoder, read_bytes: int, limits: FetchLimits) -> None:
    if decoder.problem:
        raise BodyBrokenOff(decoder.problem)
    limit = limits.max_log_bytes * _READ_FACTOR
    if read_bytes > limit:
        raise BodyBrokenOff(f"it is longer than {format_size(limit)}")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
