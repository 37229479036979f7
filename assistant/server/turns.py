"""The turns of a server: each runs by itself, and whoever asked may come and go.

A turn's events are numbered and kept, so that a client that lost its connection goes on behind the
last number it has. A turn that nobody listens to any more is cancelled after a while; one that
ended is kept for a while longer, for those that are late.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any

from assistant.access.quotas import Admission
from assistant.errors import ServerBusy, TurnNotFound
from assistant.events import Event, TurnFailed, TurnFinished, TurnStarted, to_json
from assistant.observing.logs import log_context
from assistant.problems import describe

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event as it goes over the wire; numbers begin at 1 and have no gaps."""

    number: int
    name: str
    data: str
    is_last: bool


def numbered(number: int, name: str, value: Any, *, is_last: bool = False) -> NumberedEvent:
    """An event of that JSON."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return NumberedEvent(number, name, text, is_last)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a turn is kept: alone while it runs, and after its end, in seconds."""

    alone_s: float = 15.0
    ended_s: float = 300.0
    silence_s: float = 15.0
    """After how long without an event whoever listens is told that the turn still runs."""


class RunningTurn:
    """One turn: its events so far, and those who listen."""

    def __init__(self, turn: str, owner: str, patience: Patience) -> None:
        self.id = turn
        self.owner = owner
        """Whose it is: nobody else may see it or cancel it."""
        self.ended_at: float | None = None
        self._events: list[NumberedEvent] = []
        self._grown = asyncio.Event()
        self._num_listeners = 0
        self._patience = patience
        self._session = ""
        self._num_tokens = 0
        self._task: asyncio.Task[None] | None = None
        self._given_up: asyncio.TimerHandle | None = None

    @property
    def has_ended(self) -> bool:
        """Whether its last event is there."""
        return self.ended_at is not None

    def begin(self, stream: AsyncGenerator[Event], admission: Admission | None = None) -> None:
        """Run `stream` to its end, behind the scenes; the `admission` ends with it."""
        self._task = asyncio.create_task(self._run(stream))
        # One that is cancelled before it was begun does not run at all.
        self._task.add_done_callback(lambda _: self._cancelled())
        if admission is not None:
            self._task.add_done_callback(lambda _: admission.end(self._num_tokens))
        self._expect_listeners()

    async def listen(self, after: int = 0) -> AsyncGenerator[NumberedEvent | None]:
        """The events behind number `after`, to the last; None where nothing came for a while."""
        self._num_listeners += 1
        self._stop_waiting()
        try:
            position = max(0, after)
            while True:
                while position < len(self._events):
                    event = self._events[position]
                    position += 1
                    yield event
                    if event.is_last:
                        return
                if self.has_ended:
                    return
                grown = self._grown
                try:
                    await asyncio.wait_for(grown.wait(), self._patience.silence_s)
                except TimeoutError:
                    yield None
        finally:
            self._num_listeners -= 1
            self._expect_listeners()

    async def cancel(self) -> None:
        """End it now; its last event says so."""
        self._stop_waiting()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def wait(self) -> None:
        """Return when it has ended."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self, stream: AsyncGenerator[Event]) -> None:
        try:
            with log_context(turn=self.id):
                async with contextlib.aclosing(stream) as events:
                    async for event in events:
                        self._add(event)
        except asyncio.CancelledError:
            self._cancelled()
        except Exception as error:  # noqa: BLE001 - the edge: whoever listens is told
            problem = describe(error)
            if problem.code == "internal":
                _log.exception("a turn failed")
            self._fail(problem.code, problem.message, problem.hint)
        else:
            self._fail("internal", "the turn ended without an answer")

    def _cancelled(self) -> None:
        self._fail("cancelled", "the question was cancelled")

    def _fail(self, code: str, message: str, hint: str = "") -> None:
        if not self.has_ended:
            self._add(TurnFailed(self._session, code, message, hint))

    def _add(self, event: Event) -> None:
        if self.has_ended:
            return
        if isinstance(event, TurnStarted):
            self._session = event.session
        if isinstance(event, TurnFinished):
            usage = event.usage
            self._num_tokens = usage.prompt_tokens - usage.cached_tokens + usage.completion_tokens
        is_last = isinstance(event, TurnFinished | TurnFailed)
        number, name = len(self._events) + 1, type(event).__name__
        self._events.append(numbered(number, name, to_json(event), is_last=is_last))
        if is_last:
            self.ended_at = time.monotonic()
            self._stop_waiting()
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def _expect_listeners(self) -> None:
        """Cancel the turn in a while, unless somebody comes to listen."""
        if self._num_listeners or self.has_ended or self._task is None:
            return
        self._stop_waiting()
        loop = asyncio.get_running_loop()
        self._given_up = loop.call_later(self._patience.alone_s, self._task.cancel)

    def _stop_waiting(self) -> None:
        if self._given_up is not None:
            self._given_up.cancel()
            self._given_up = None


@dataclass(slots=True)
class Turns:
    """The turns of one server process. Belongs to one event loop."""

    patience: Patience = field(default_factory=Patience)
    max_running: int = 256
    _turns: dict[str, RunningTurn] = field(default_factory=dict)
    _is_draining: bool = False

    @property
    def num_running(self) -> int:
        """How many have not ended."""
        return sum(not turn.has_ended for turn in self._turns.values())

    @property
    def is_draining(self) -> bool:
        """Whether no new turn is taken, because the server is about to end."""
        return self._is_draining

    def begin(
        self,
        turn: str,
        owner: str,
        open_stream: Callable[[], AsyncGenerator[Event]],
        admit: Callable[[], Admission] | None = None,
    ) -> RunningTurn:
        """The turn of this id: the one that runs already, else a new one on `open_stream`.

        So a client that does not know whether its request arrived sends it once more. Raises
        ServerBusy when no more are taken, TurnNotFound when the id is somebody else's, and what
        `admit` raises, which is asked about new turns only.
        """
        self._forget_ended()
        if turn in self._turns:
            return self.get(turn, owner)
        if self._is_draining:
            raise ServerBusy("the server is about to end", "ask again in a moment")
        if self.num_running >= self.max_running:
            raise ServerBusy(
                f"the server is working on {self.max_running} questions", "ask again in a moment"
            )
        admission = admit() if admit is not None else None
        running = RunningTurn(turn, owner, self.patience)
        self._turns[turn] = running
        running.begin(open_stream(), admission)
        return running

    def get(self, turn: str, owner: str) -> RunningTurn:
        """The turn of this id. Raises TurnNotFound: unknown, too old, or somebody else's."""
        found = self._turns.get(turn)
        if found is None or found.owner != owner:
            raise TurnNotFound(f"there is no turn {turn}", "it may have ended long ago: ask again")
        return found

    async def drain(self, timeout_s: float) -> None:
        """Take no more, let those that run end, and cancel what is left after `timeout_s`."""
        self._is_draining = True
        running = [turn for turn in self._turns.values() if not turn.has_ended]
        if running:
            waits = [asyncio.create_task(turn.wait()) for turn in running]
            await asyncio.wait(waits, timeout=timeout_s)
            await asyncio.gather(*(turn.cancel() for turn in running if not turn.has_ended))
            await asyncio.gather(*waits)

    def _forget_ended(self) -> None:
        oldest = time.monotonic() - self.patience.ended_s
        gone = [
            name
            for name, turn in self._turns.items()
            if turn.ended_at is not None and turn.ended_at < oldest
        ]
        for name in gone:
            del self._turns[name]
