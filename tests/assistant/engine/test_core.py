"""The engine's policy over thousands of random mixes: arrivals, cancels, evictions, preemptions.

Whatever happens to the others, each request gets exactly what it would get alone.
"""

from __future__ import annotations

import functools
import os
import random

import numpy as np
import pytest

from assistant.engine.core import EngineCore
from assistant.engine.errors import EngineBusy, GrammarDeadEnd
from assistant.engine.interface import (
    Finished,
    GenerateRequest,
    Priority,
    Sampling,
    Segment,
)
from assistant.engine.prefix import PrefixIndex
from assistant.engine.sampling import Logits
from assistant.engine.scheduler import Limits, Scheduler
from assistant.engine.sequence import Sequence, Warmed

from .fake_backend import FakeBackend, FakeGrammar
from .invariants import check
from .reading import Reader

NUM_MIXES = int(os.environ.get("MIDWATCH_TEST_MIXES", "2000"))
ALPHABET = "abc"


def new_request(chance: random.Random) -> GenerateRequest:
    prompt = "".join(chance.choices(ALPHABET, k=chance.choice([1, 3, 8, 15])))
    return GenerateRequest(
        (Segment(prompt),),
        max_tokens=chance.choice([1, 2, 6, 12]),
        stop=chance.choice([(), (), ("m",), ("xy",)]),
        grammar=chance.choice([None, None, "ab?cd*", "?{?}abcab?", "abc"]),
        sampling=chance.choice(
            [
                Sampling(),
                Sampling(temperature=1.0, seed=chance.randint(0, 3)),
                Sampling(repetition_penalty=1.3, penalty_tokens=4),
            ]
        ),
        priority=chance.choice(list(Priority)),
    )


def sequence_of(request: GenerateRequest, context_tokens: int) -> Sequence:
    prompt = [ord(c) for segment in request.prompt for c in segment.text]
    room = min(request.max_tokens, context_tokens - len(prompt))
    return Sequence(request, prompt, room, Reader())


def reader_of(sequence: Sequence) -> Reader:
    assert isinstance(sequence.reader, Reader)
    return sequence.reader


@functools.cache
def alone(request: GenerateRequest, context_tokens: int) -> tuple[str, str]:
    """What `request` gets from an engine that has nothing else to do: text, and why it ended."""
    core = EngineCore(FakeBackend(context_tokens=context_tokens), Limits(8, 8))
    sequence = sequence_of(request, context_tokens)
    core.admit(sequence)
    while core.step():
        pass
    return outcome(reader_of(sequence))


def outcome(reader: Reader) -> tuple[str, str]:
    last = reader.events[-1]
    assert isinstance(last, Finished), last
    return reader.text, last.reason


class Mix:
    """A machine of random size on which random things happen."""

    def __init__(self, seed: int) -> None:
        self.chance = chance = random.Random(seed)
        context_tokens = chance.choice([27, 40])
        self.backend = FakeBackend(
            context_tokens=context_tokens,
            num_cells=context_tokens + chance.choice([0, 5, 30, 100]),
            max_sequences=chance.choice([7, 12]),
            max_step_tokens=chance.choice([6, 16]),
        )
        limits = Limits(
            step_tokens=self.backend.max_step_tokens,
            streaming_chunk_tokens=chance.choice([2, 6]),
            max_running=chance.choice([1, 3, 5]),
            max_waiting=chance.choice([3, 20]),
        )
        self.core = EngineCore(self.backend, limits, speculates=chance.random() < 0.5)
        self.sequences: list[Sequence] = []
        self.cancelled: set[int] = set()

    def run(self) -> None:
        num_pins = 0
        for _ in range(self.chance.randint(10, 60)):
            match self.chance.choice(["new", "new", "step", "step", "step", "odd"]):
                case "new":
                    self.admit(new_request(self.chance))
                case "step":
                    self.step()
                case "odd":
                    num_pins += self.odd(may_warm=num_pins < 2)
        self.let_all_end()

    def admit(self, request: GenerateRequest) -> None:
        sequence = sequence_of(request, self.backend.info.context_tokens)
        self.sequences.append(sequence)
        self.core.admit(sequence)

    def odd(self, *, may_warm: bool) -> bool:
        """A cancel, a reader that stalls, comes back or dies, or a prefix that is warmed."""
        kind = self.chance.choice(["cancel", "stall", "resume", "die", "warm"])
        if kind == "warm":
            if may_warm:
                prompt = [ord(c) for c in self.chance.choices(ALPHABET, k=5)]
                request = GenerateRequest([], 1)
                self.core.admit(Sequence(request, prompt, 0, Reader(), is_warming=True))
            return may_warm
        if self.sequences:
            victim = self.chance.choice(self.sequences)
            reader = reader_of(victim)
            if kind == "cancel":
                self.cancel(victim)
            elif kind == "die" and not reader.ended:
                reader.gone = True
                self.cancelled.add(id(victim))
            else:
                reader.stops_reading = kind == "stall"
        return False

    def cancel(self, sequence: Sequence) -> None:
        if not reader_of(sequence).ended:
            self.cancelled.add(id(sequence))
        self.core.cancel(sequence)
        assert sequence.tail is None
        check(self.core.index, self.backend)

    def step(self) -> None:
        self.core.step()
        check(self.core.index, self.backend)

    def let_all_end(self) -> None:
        for sequence in self.sequences:
            reader_of(sequence).stops_reading = False
        for _ in range(5000):
            if not self.core.step():
                break
        check(self.core.index, self.backend)
        status = self.core.status()
        assert (status.num_running, status.num_waiting) == (0, 0), "somebody starved"
        self.core.close()
        assert not self.backend.open_grammars

    def verify(self) -> None:
        """Each request that was served got what it would get alone."""
        for sequence in self.sequences:
            reader = reader_of(sequence)
            if id(sequence) in self.cancelled or isinstance(reader.events[-1], EngineBusy):
                continue
            expected = alone(sequence.request, self.backend.info.context_tokens)
            assert outcome(reader) == expected, sequence.request
            last = reader.events[-1]
            assert isinstance(last, Finished)
            assert 0 <= last.usage.cached_tokens < last.usage.prompt_tokens
            assert last.usage.completion_tokens == sequence.num_new


@pytest.mark.parametrize("part", range(4))
def test_each_request_gets_what_it_would_get_alone(part: int) -> None:
    num_preemptions = num_refused = num_cached = 0
    for seed in range(part * NUM_MIXES // 4, (part + 1) * NUM_MIXES // 4):
        mix = Mix(seed)
        mix.run()
        mix.verify()
        status = mix.core.status()
        num_preemptions += status.num_preemptions
        num_cached += status.num_cached_tokens
        num_refused += sum(isinstance(reader_of(s).events[-1:], EngineBusy) for s in mix.sequences)
    # The mixes are of use only if these things happen in them.
    assert num_preemptions > NUM_MIXES / 10
    assert num_cached > NUM_MIXES


def core_of(**options: int) -> tuple[EngineCore, FakeBackend]:
    backend = FakeBackend(
        context_tokens=200, num_cells=options.pop("num_cells", 400), max_sequences=12
    )
    return EngineCore(backend, Limits(8, 8, **options)), backend


def submit(core: EngineCore, prompt: str, max_tokens: int = 1, **options: object) -> Reader:
    request = GenerateRequest((Segment(prompt),), max_tokens, **options)  # type: ignore[arg-type]
    sequence = sequence_of(request, 200)
    core.admit(sequence)
    return reader_of(sequence)


def order_of_ends(core: EngineCore, readers: dict[str, Reader]) -> list[str]:
    ended: list[str] = []
    while core.step():
        ended += [name for name, reader in readers.items() if reader.ended and name not in ended]
    return ended


def test_short_prompt_passes_a_long_one_that_came_just_before() -> None:
    core, _ = core_of()
    readers = {"long": submit(core, "x" * 150), "short": submit(core, "y" * 20)}
    assert order_of_ends(core, readers) == ["short", "long"]


def test_short_prompts_do_not_starve_a_long_one() -> None:
    core, _ = core_of()
    long = submit(core, "x" * 150)
    for n in range(100):
        submit(core, f"{n:>16}")
        core.step()
        core.step()
        if long.ended:
            break
    assert long.ended
    assert n < 30


def test_classes_are_served_in_order() -> None:
    core, _ = core_of()
    readers = {
        name: submit(core, name[0] * 40, priority=priority)
        for name, priority in (
            ("background", Priority.BACKGROUND),
            ("chat", Priority.CHAT),
            ("alert", Priority.ALERT),
        )
    }
    assert order_of_ends(core, readers) == ["alert", "chat", "background"]


def test_full_cache_takes_the_place_of_the_youngest_of_the_lowest_class() -> None:
    core, backend = core_of(num_cells=200)
    first = submit(core, "a" * 50, 60)
    second = submit(core, "b" * 50, 60)
    background = submit(core, "c" * 30, 60, priority=Priority.BACKGROUND)
    while not background.events:
        core.step()
    seen = len(background.text)
    readers = {"first": first, "second": second, "background": background}
    ended = order_of_ends(core, readers)
    assert ended[-1] == "background"
    assert core.status().num_preemptions >= 1
    assert len(background.text) > seen
    request = GenerateRequest((Segment("c" * 30),), 60, priority=Priority.BACKGROUND)
    assert outcome(background) == alone(request, 200)
    check(core.index, backend)


def test_usage_of_a_preempted_request_counts_its_prompt_once() -> None:
    core, _ = core_of(num_cells=200)
    readers = [submit(core, letter * 60, 60) for letter in "abc"]
    while core.step():
        pass
    assert core.status().num_preemptions >= 1
    for reader in readers:
        last = reader.events[-1]
        assert isinstance(last, Finished)
        assert (last.usage.prompt_tokens, last.usage.cached_tokens) == (60, 0)
        assert last.usage.completion_tokens == 60


def test_warmed_prefix_has_its_state_once() -> None:
    core, _ = core_of()
    states = []
    for _ in range(2):
        reader = Reader()
        core.admit(Sequence(GenerateRequest([], 1), [7, 8, 9], 0, reader, is_warming=True))
        core.step()
        core.step()
        last = reader.events[-1]
        assert isinstance(last, Warmed)
        states.append(last.state)
    assert states == [bytes([7, 8, 9]), None]


class DeadEnd(FakeGrammar):
    """Allows nothing, not even the end."""

    def next_bytes(self) -> bytes:
        return b"ab"

    def allows(self, token: int) -> bool:
        return False

    def mask(self, logits: Logits) -> Logits:
        return np.full_like(logits, -np.inf)

    def clone(self) -> DeadEnd:
        return DeadEnd(self.pattern, self.position)


def test_grammar_at_a_dead_end_fails_its_request_only() -> None:
    backend = FakeBackend(context_tokens=200)
    backend.compile_grammar = DeadEnd  # type: ignore[assignment]
    core = EngineCore(backend, Limits(8, 8))
    stuck, fine = submit(core, "abc", 5, grammar="x?"), submit(core, "def", 5)
    while core.step():
        pass
    assert isinstance(stuck.events[-1], GrammarDeadEnd)
    assert isinstance(fine.events[-1], Finished)
    check(core.index, backend)


def test_drafts_that_come_true_save_steps_and_change_nothing() -> None:
    quoted = "the very same line of the log, word for word, once more and then again"
    prompt = f"{quoted}. quote it: th"
    answer = quoted[2:]
    num_steps = {}
    for speculates in (False, True):
        backend = FakeBackend({prompt: answer}, context_tokens=300, max_step_tokens=64)
        core = EngineCore(backend, Limits(64, 64), speculates=speculates)
        reader = submit(core, prompt, 100)
        while core.step():
            check(core.index, backend)
        assert reader.text == answer
        num_steps[speculates] = len(backend.steps)
    assert num_steps[True] < num_steps[False] * 0.6


def test_chunk_beside_streams_is_made_to_fit_the_time() -> None:
    index = PrefixIndex(FakeBackend(context_tokens=4096))
    scheduler = Scheduler(index, Limits(256, 64, streaming_step_s=0.5))
    stream = sequence_of(GenerateRequest((Segment("s"),), 100), 4096)
    prompt = sequence_of(GenerateRequest((Segment("p" * 4000),), 1), 4096)
    for sequence in (stream, prompt):
        scheduler.add(sequence)
    chunks = []
    for duration_s in (0.4, 0.8, 0.8, 0.2, 5.0, 5.0):
        work = scheduler.plan()
        chunks.append(work[-1].num_tokens)
        for part in work:
            scheduler.advance(part.sequence, part.num_tokens)
        scheduler.observe(work, duration_s)
        stream.append(ord("x"))
    assert chunks == [64, 64, 39, 24, 61, 16]
