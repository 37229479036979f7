"""`Scheduler`: which tokens of which requests make up the next step.

A step takes the next token of every stream, and fills up with chunks of prompts. So a long prompt
never holds up a running answer for more than one chunk, and the chunk is shorter while there are
streams to hold up. Three rules decide who goes first:

- Classes: alert, chat, background. A higher class takes the place of a lower one, if need be.
- Inside a class, fair queueing by virtual finish times (Demers, Keshav and Shenker, 1989): each
  request is stamped with the tokens served so far and those that it asks for itself, and the
  smallest stamp goes first. A short request passes a long one that came just before it, and nobody
  is passed for ever, because the stamps of newcomers grow with the work done.
- A request that begins like one that is being computed at present waits for that prefix rather than
  computing it a second time.

When cells run out, the youngest request of the lowest class gives way: its cells become evictable,
and it waits with all its tokens pending again.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence as Items
from dataclasses import dataclass

from assistant.engine.errors import CacheFull, EngineBusy
from assistant.engine.interface import Priority, RequestState, RequestStatus
from assistant.engine.prefix import Node, PrefixIndex, common_length
from assistant.engine.sequence import Sequence

# More pending tokens than a grammar may force at a time are a prompt, not a stream.
MAX_RUN_TOKENS = 32
# Room that an admitted request should find for its answer before somebody has to give way.
_HEADROOM_TOKENS = 32
# A smaller chunk takes hardly less time than this one.
_MIN_CHUNK_TOKENS = 16
# Fewer tokens than these are computed twice rather than waited for.
_MIN_SHARED_TOKENS = 8


@dataclass(frozen=True, slots=True)
class Limits:
    """How much runs, waits, and goes into one step.

    `streaming_chunk_tokens` are the most prompt tokens in a step that others stream in; with
    `streaming_step_s` fewer, so that such a step takes about this long.
    """

    step_tokens: int
    streaming_chunk_tokens: int
    streaming_step_s: float | None = None
    max_running: int = 16
    max_waiting: int = 64


@dataclass(frozen=True, slots=True)
class Work:
    """The next `num_tokens` pending tokens of a request, as its part of a step.

    If it `draws`, they are its last ones, and logits are wanted. `drafts` are guesses at the tokens
    that come after them, to be verified.
    """

    sequence: Sequence
    num_tokens: int
    draws: bool
    drafts: Items[int] = ()

    @property
    def num_cells(self) -> int:
        """The cells that its part of the step takes, those of drafts included."""
        return self.num_tokens + len(self.drafts)


class Scheduler:
    """The requests of an engine, waiting and running. Belongs to the owner thread.

    `num_served` counts the tokens computed so far, those of repeated work included.
    """

    def __init__(self, index: PrefixIndex, limits: Limits) -> None:
        self.limits = limits
        self.num_preemptions = 0
        self._index = index
        self._waiting: list[Sequence] = []
        self._running: list[Sequence] = []
        self._parked: list[Sequence] = []
        self._pins: list[Node] = []
        self._chunk_tokens = limits.streaming_chunk_tokens
        self._arrivals = itertools.count()
        self.num_served = 0

    @property
    def running(self) -> Items[Sequence]:
        """The requests that have a place in the cache."""
        return self._running

    @property
    def num_waiting(self) -> int:
        """Requests that wait for a place, or for their consumer to read on."""
        return len(self._waiting) + len(self._parked)

    @property
    def all(self) -> list[Sequence]:
        """Every request that has not ended."""
        return [*self._running, *self._waiting, *self._parked]

    @property
    def can_run(self) -> bool:
        """Whether there is something to compute now."""
        return bool(
            self._running or self._waiting or any(not s.reader.is_stalled() for s in self._parked)
        )

    def statuses(self) -> tuple[RequestStatus, ...]:
        """Every request that has not ended, the running ones first; safe to ask from any thread.

        Each list is copied in one step. A request that goes from one to another in between is
        listed once, or, for this one time, not at all.
        """
        states: dict[Sequence, RequestState] = {}
        for sequence in list(self._running):
            states[sequence] = "prefill" if sequence.is_prefilling else "decode"
        for sequence in list(self._waiting):
            states.setdefault(sequence, "waiting")
        for sequence in list(self._parked):
            states.setdefault(sequence, "paused")
        return tuple(sequence.status(state) for sequence, state in states.items())

    def add(self, sequence: Sequence) -> None:
        """Queue a request. Raises EngineBusy when its class has no room in the queue."""
        position = self._position(sequence.request.priority)
        if position > self.limits.max_waiting:
            raise EngineBusy(position, self.limits.max_waiting)
        sequence.arrival = next(self._arrivals)
        num_unknown = len(sequence.tokens) - self._index.match(sequence.tokens)
        sequence.finish_tag = self.num_served + num_unknown + sequence.max_new_tokens
        self._waiting.append(sequence)

    def plan(self) -> list[Work]:
        """The next step; its cells are reserved. Empty when nothing can run."""
        self._park_stalled()
        self._admit_waiting()
        work = self._fill_step()
        while not self._index.reserve(sum(part.num_cells for part in work)):
            self._make_room()
            work = self._fill_step()
        return work

    def advance(self, sequence: Sequence, num_tokens: int) -> None:
        """Take note that the next `num_tokens` pending ones of `sequence` were computed."""
        first, last = sequence.num_computed, sequence.num_computed + num_tokens
        self._index.extend(_tail(sequence), sequence.tokens[first:last])
        sequence.num_computed = last
        self.num_served += num_tokens

    def forget_drafts(self, sequence: Sequence) -> None:
        """Free the cells of drafts that did not come true."""
        self._index.forget_beyond(_tail(sequence))

    def observe(self, work: Items[Work], duration_s: float) -> None:
        """A step took `duration_s`: the next chunk beside streams is made to fit."""
        num_tokens = sum(part.num_cells for part in work)
        num_streams = sum(part.draws and part.num_tokens == 1 for part in work)
        target_s = self.limits.streaming_step_s
        if target_s is None or num_tokens - num_streams < _MIN_CHUNK_TOKENS:
            return
        affordable = int(target_s / duration_s * num_tokens) - num_streams
        most = self.limits.streaming_chunk_tokens
        self._chunk_tokens = max(_MIN_CHUNK_TOKENS, min(affordable, most))

    def end(self, sequence: Sequence) -> None:
        """A running request is done; what it computed stays in the cache."""
        self._running.remove(sequence)
        self._index.finish(_tail(sequence))
        sequence.tail = None

    def pin(self, sequence: Sequence) -> Node:
        """A running request is done; what it computed stays in the cache for good."""
        self._running.remove(sequence)
        node = self._index.pin(_tail(sequence))
        sequence.tail = None
        if node not in self._pins:
            self._pins.append(node)
        return node

    def discard(self, sequence: Sequence) -> None:
        """Take a request out wherever it is, and free its cells at once."""
        for place in (self._running, self._waiting, self._parked):
            if sequence in place:
                place.remove(sequence)
        if sequence.tail is not None:
            self._index.drop(sequence.tail)
            sequence.tail = None

    def forget(self) -> list[Sequence]:
        """Empty the cache and take out the running requests, which are returned."""
        lost = list(self._running)
        for sequence in lost:
            sequence.tail = None
        self._running.clear()
        self._pins.clear()
        self._index.clear()
        return lost

    def _position(self, priority: Priority) -> int:
        """The place in the queue that a newcomer would have; 0 or less when it can run at once."""
        ahead = sum(waiting.request.priority <= priority for waiting in self._waiting)
        return ahead + 1 - max(0, self.limits.max_running - len(self._running))

    def _fill_step(self) -> list[Work]:
        streams = [sequence for sequence in self._running if _is_stream(sequence)]
        prompts = sorted(
            (sequence for sequence in self._running if not _is_stream(sequence)), key=_rank
        )
        work, room = self._take(streams, self.limits.step_tokens)
        if streams:
            room = min(room, self._chunk_tokens)
        chunks, _ = self._take(prompts, room)
        return work + chunks

    @staticmethod
    def _take(sequences: Items[Sequence], room: int) -> tuple[list[Work], int]:
        """As many pending tokens of each as there is room for, and the room that is left."""
        work = []
        for sequence in sequences:
            num_tokens = min(sequence.num_pending, room)
            if num_tokens == 0:
                break
            draws = num_tokens == sequence.num_pending and not sequence.is_warming
            work.append(Work(sequence, num_tokens, draws))
            room -= num_tokens
        return work, room

    def _park_stalled(self) -> None:
        """Give the places of those whose consumers stopped reading to others, and back again."""
        for sequence in [s for s in self._running if s.reader.is_stalled()]:
            self._give_way(sequence, self._parked)
        for sequence in [s for s in self._parked if not s.reader.is_stalled()]:
            self._parked.remove(sequence)
            self._waiting.append(sequence)

    def _admit_waiting(self) -> None:
        for sequence in sorted(self._waiting, key=_rank):
            if self._is_worth_waiting(sequence):
                continue
            while not self._admit(sequence):
                victim = self._victim()
                if victim is None or victim.request.priority <= sequence.request.priority:
                    return
                self._preempt(victim)

    def _admit(self, sequence: Sequence) -> bool:
        """Give `sequence` a place if there is one."""
        if len(self._running) >= self.limits.max_running:
            return False
        try:
            tail = self._index.begin(sequence.reusable)
        except CacheFull:
            return False
        if self._running and not self._has_room(len(sequence.tokens) - tail.start, sequence):
            self._index.drop(tail)
            return False
        sequence.tail, sequence.num_computed = tail, tail.start
        if sequence.num_cached is None:
            sequence.num_cached = tail.start
        self._waiting.remove(sequence)
        self._running.append(sequence)
        return True

    def _has_room(self, num_pending: int, sequence: Sequence) -> bool:
        """Whether those that run and `sequence` can go on for a while without giving way."""
        wanted = sum(s.num_pending + _headroom(s) for s in self._running)
        wanted += num_pending + _headroom(sequence)
        return wanted <= self._index.num_free + self._index.num_evictable

    def _is_worth_waiting(self, sequence: Sequence) -> bool:
        """Whether a request that runs already is about to compute a prefix of `sequence`."""
        known = None
        for other in self._running:
            if not other.is_prefilling or other.request.priority > sequence.request.priority:
                continue
            common = common_length(other.prompt, sequence.reusable)
            if common <= other.num_computed:
                continue
            known = self._index.match(sequence.reusable) if known is None else known
            if common - known >= _MIN_SHARED_TOKENS:
                return True
        return False

    def _make_room(self) -> None:
        """Free cells: somebody gives way, or, for the only one that runs, what was pinned does."""
        if len(self._running) > 1:
            victim = self._victim()
            assert victim is not None
            self._preempt(victim)
            return
        assert self._pins, "a single request always fits: it was checked when it came"
        self._index.unpin(self._pins.pop(0))

    def _victim(self) -> Sequence | None:
        """The youngest of the lowest class."""
        return max(self._running, key=lambda s: (s.request.priority, s.arrival), default=None)

    def _preempt(self, sequence: Sequence) -> None:
        self.num_preemptions += 1
        self._give_way(sequence, self._waiting)

    def _give_way(self, sequence: Sequence, place: list[Sequence]) -> None:
        self._index.finish(_tail(sequence))
        sequence.tail, sequence.num_computed = None, 0
        self._running.remove(sequence)
        place.append(sequence)


def _is_stream(sequence: Sequence) -> bool:
    return not sequence.is_prefilling and sequence.num_pending <= MAX_RUN_TOKENS


def _rank(sequence: Sequence) -> tuple[Priority, int, int]:
    return sequence.request.priority, sequence.finish_tag, sequence.arrival


def _headroom(sequence: Sequence) -> int:
    return min(sequence.num_left, _HEADROOM_TOKENS)


def _tail(sequence: Sequence) -> Node:
    assert sequence.tail is not None, "it is not running"
    return sequence.tail
