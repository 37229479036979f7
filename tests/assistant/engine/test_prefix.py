from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.engine.backend import Slice
from assistant.engine.errors import CacheFull
from assistant.engine.prefix import Node, PrefixIndex, common_length

from .fake_backend import FakeBackend
from .invariants import check


def backend_of(num_cells: int = 64, max_sequences: int = 4) -> FakeBackend:
    return FakeBackend(
        context_tokens=num_cells,
        num_cells=num_cells,
        max_sequences=max_sequences,
        max_step_tokens=num_cells,
    )


class Cache:
    """An index over fake cells; `compute` does what the engine does with a step."""

    def __init__(self, num_cells: int = 64, max_sequences: int = 4) -> None:
        self.backend = backend_of(num_cells, max_sequences)
        self.index = PrefixIndex(self.backend)

    def begin(self, text: str) -> Node:
        return self.index.begin([ord(c) for c in text])

    def compute(self, tail: Node, text: str) -> None:
        tokens = [ord(c) for c in text]
        assert self.index.reserve(len(tokens))
        assert tail.seq is not None
        if tokens:
            self.backend.decode([Slice(tail.seq, tail.end, tokens)])
        self.index.extend(tail, tokens)

    def run(self, text: str) -> int:
        """Compute `text` as a request would, and end it; how much of it was there already."""
        tail = self.begin(text)
        start = tail.start
        self.compute(tail, text[start:])
        self.index.finish(tail)
        check(self.index, self.backend)
        return start

    def match(self, text: str) -> int:
        return self.index.match([ord(c) for c in text])


@pytest.mark.parametrize(
    ("a", "b", "length"),
    [
        ("", "", 0),
        ("a", "", 0),
        ("abc", "abc", 3),
        ("abc", "abd", 2),
        ("abcd", "ab", 2),
        ("x", "y", 0),
    ],
)
def test_common_length(a: str, b: str, length: int) -> None:
    assert common_length(list(a), list(b)) == length


@given(st.lists(st.integers(0, 2)), st.lists(st.integers(0, 2)))
def test_common_length_is_where_they_differ(a: list[int], b: list[int]) -> None:
    length = common_length(a, b)
    assert a[:length] == b[:length]
    assert a[length : length + 1] != b[length : length + 1] or not (a[length:] or b[length:])


def test_what_was_computed_is_found_by_whatever_begins_like_it() -> None:
    cache = Cache()
    assert cache.run("system one") == 0
    assert cache.match("system two") == len("system ")
    assert cache.run("system two") == len("system ")
    assert len(cache.backend.cells) == len("system one") + len("two")


def test_turn_of_a_conversation_finds_the_turn_before() -> None:
    cache = Cache()
    cache.run("question")
    assert cache.run("question answer next") == len("question")


def test_running_request_can_be_matched_and_goes_on() -> None:
    cache = Cache()
    first = cache.begin("system one")
    cache.compute(first, "system ")
    second = cache.begin("system two")
    assert second.start == len("system ")
    cache.compute(first, "one")
    cache.compute(second, "two")
    check(cache.index, cache.backend)
    cache.index.drop(first)
    check(cache.index, cache.backend)
    assert cache.match("system two") == len("system two")
    assert cache.match("system one") == len("system ")


def test_same_tokens_computed_twice_are_kept_once() -> None:
    cache = Cache()
    first, second = cache.begin("abc"), cache.begin("abc")
    cache.compute(first, "abcd")
    cache.compute(second, "abcx")
    assert len(cache.backend.cells) == 8
    cache.index.finish(first)
    cache.index.finish(second)
    check(cache.index, cache.backend)
    assert len(cache.backend.cells) == 5
    assert cache.match("abcx") == 4


def test_dropping_frees_at_once_and_only_its_own() -> None:
    cache = Cache()
    cache.run("system ")
    tail = cache.begin("system one")
    cache.compute(tail, "one")
    cache.index.drop(tail)
    check(cache.index, cache.backend)
    assert cache.index.num_used == len("system ")
    assert cache.match("system ") == len("system ")


def test_least_recently_used_is_evicted_from_its_end() -> None:
    cache = Cache(num_cells=12)
    cache.run("aaaaaa")
    cache.run("bbbb")
    cache.run("aaaaaa")
    assert cache.index.reserve(4)
    check(cache.index, cache.backend)
    assert cache.match("bbbb") == 2
    assert cache.match("aaaaaa") == 6
    assert cache.index.reserve(8)
    assert (cache.match("bbbb"), cache.match("aaaaaa")) == (0, 4)


def test_freed_cells_are_reused_for_others() -> None:
    cache = Cache(num_cells=8)
    cache.run("aaaaaaaa")
    assert cache.run("bbbbbbbb") == 0
    assert cache.match("aaaaaaaa") == 0
    assert cache.match("bbbbbbbb") == 8


def test_what_runs_or_is_pinned_is_not_evicted() -> None:
    cache = Cache(num_cells=10)
    tail = cache.begin("system")
    cache.compute(tail, "system")
    pinned = cache.index.pin(tail)
    running = cache.begin("system x")
    cache.compute(running, " x")
    assert cache.index.num_pinned == 6
    assert not cache.index.reserve(3)
    cache.index.finish(running)
    assert cache.index.reserve(4)
    assert not cache.index.reserve(5)
    check(cache.index, cache.backend)
    cache.index.unpin(pinned)
    assert cache.index.reserve(10)
    check(cache.index, cache.backend)


def test_pin_of_what_is_cached_already() -> None:
    cache = Cache()
    cache.run("system and more")
    tail = cache.begin("system")
    node = cache.index.pin(tail)
    assert cache.index.path(node) == [ord(c) for c in "system"]
    check(cache.index, cache.backend)


def test_sequences_run_out_only_when_all_are_running() -> None:
    cache = Cache(max_sequences=3)
    for text in ("aa", "bb", "cc", "dd"):
        cache.run(text)
    assert cache.match("aa") == 0
    tails = [cache.begin(text) for text in ("x", "y", "z")]
    with pytest.raises(CacheFull):
        cache.begin("w")
    cache.index.drop(tails[0])
    cache.begin("w")
    check(cache.index, cache.backend)


def test_clear_forgets_all() -> None:
    cache = Cache()
    cache.run("abc")
    cache.index.clear()
    check(cache.index, cache.backend)
    assert cache.match("abc") == 0
    assert cache.run("abd") == 0


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_invariants_hold_over_random_mixes(seed: int) -> None:
    chance = random.Random(seed)
    cache = Cache(num_cells=chance.choice([12, 30, 60]), max_sequences=chance.choice([3, 6]))
    tails: list[Node] = []
    pins: list[Node] = []
    for _ in range(60):
        act = chance.choice(
            ["begin", "begin", "compute", "compute", "finish", "drop", "pin", "evict"]
        )
        try:
            if act == "begin":
                tails.append(cache.begin("".join(chance.choices("ab", k=chance.randint(0, 9)))))
            elif act == "evict":
                cache.index.reserve(chance.randint(1, 12))
            elif act == "pin" and pins and chance.random() < 0.6:
                cache.index.unpin(pins.pop())
            elif tails:
                tail = chance.choice(tails)
                if act == "compute":
                    text = "".join(chance.choices("ab", k=chance.randint(0, 5)))
                    if cache.index.reserve(len(text)):
                        cache.compute(tail, text)
                else:
                    end_of(cache, act, tail, tails, pins)
        except CacheFull:
            assert not any(node.is_evictable for node in cache.index.nodes())
        check(cache.index, cache.backend)


def end_of(cache: Cache, act: str, tail: Node, tails: list[Node], pins: list[Node]) -> None:
    """End `tail` in one of the three ways."""
    if act == "pin":
        if not tail.end or len(cache.index._free_seqs) == 0:
            return
        node = cache.index.pin(tail)
        if node not in pins:
            pins.append(node)
    elif act == "finish":
        cache.index.finish(tail)
    else:
        cache.index.drop(tail)
    tails.remove(tail)
