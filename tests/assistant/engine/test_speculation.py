from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.engine.cost import StepCost
from assistant.engine.speculation import Draft, Payoff, PromptLookup

# Few different tokens, so that n-grams occur again.
texts = st.lists(st.integers(0, 3), max_size=60)

# A 1.5B model on two processors: milliseconds by the number of tokens.
CPU_MS = {1: 27, 2: 51, 3: 68, 4: 84, 5: 106, 8: 138, 12: 180, 16: 177, 32: 230, 64: 422, 256: 1572}
NUM_WORDS = 3000


def on_cpu(num_tokens: int) -> float:
    sizes, costs = np.log(list(CPU_MS)), np.log(list(CPU_MS.values()))
    return float(np.exp(np.interp(np.log(num_tokens), sizes, costs))) / 1000


def on_gpu(num_tokens: int) -> float:
    return 0.008 * (1 + num_tokens / 256)


# The drafts


def test_a_draft_is_what_followed_the_last_three_tokens_most_recently() -> None:
    lookup = PromptLookup([1, 2, 3, 7, 8, 1, 2, 3, 9, 8, 7, 1, 2, 3])
    assert lookup.draft(3).tokens == [9, 8, 7]


def test_three_tokens_go_before_a_more_recent_two() -> None:
    assert PromptLookup([1, 2, 3, 7, 9, 2, 3, 5, 1, 2, 4, 1, 2, 3]).draft(1).tokens == [7]


def test_two_tokens_serve_where_three_are_new() -> None:
    assert PromptLookup([5, 1, 2, 8, 9, 6, 1, 2]).draft(2).tokens == [8, 9]


@pytest.mark.parametrize("tokens", [[], [1], [1, 1], [1, 2, 3], [1, 2, 3, 1]])
def test_without_an_earlier_occurrence_there_is_no_draft(tokens: list[int]) -> None:
    assert PromptLookup(tokens).draft(4) == Draft((), 0)


def test_a_place_is_kept_while_it_is_copied_though_a_later_one_turns_up() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 5, 6, 0, 3, 4, 9, 0, 1, 2])
    for token in (3, 4):
        lookup.push(token)
    assert lookup.draft(2) == Draft([5, 6], num_copied=2)
    lookup.push(8)
    assert lookup.draft(2) == Draft((), 0)


@given(texts, st.integers(0, 20))
def test_a_draft_followed_an_earlier_occurrence(tokens: list[int], max_tokens: int) -> None:
    draft = list(PromptLookup(tokens).draft(max_tokens).tokens)
    assert len(draft) <= max_tokens
    followers = [
        tokens[end : end + max_tokens]
        for end in range(2, len(tokens))
        if tokens[end - 2 : end] == tokens[-2:]
    ]
    assert draft in followers if followers else draft == []


@given(texts, st.integers(1, 20))
def test_what_was_copied_is_the_same_before_the_draft(tokens: list[int], max_tokens: int) -> None:
    draft = PromptLookup(tokens).draft(max_tokens)
    if draft.tokens:
        length = draft.num_copied + 2
        sources = [
            end
            for end in range(length, len(tokens))
            if tokens[end - length : end] == tokens[-length:]
        ]
        assert list(draft.tokens) in [tokens[end : end + max_tokens] for end in sources]


@given(texts, st.integers(0, 60), st.integers(0, 20))
def test_pushing_one_by_one_equals_building_at_once(
    tokens: list[int], cut: int, max_tokens: int
) -> None:
    lookup = PromptLookup(tokens[:cut])
    for token in tokens[cut:]:
        lookup.draft(max_tokens)
        lookup.push(token)
    assert lookup.draft(max_tokens) == PromptLookup(tokens).draft(max_tokens)


# The payoff


@dataclass
class Outcome:
    """Tokens of all sequences together, and what they took with and without speculation."""

    num_drafted: int = 0
    num_accepted: int = 0
    time_s: float = 0.0
    plain_s: float = 0.0

    @property
    def gain(self) -> float:
        return self.plain_s / self.time_s


def generate(
    payoff: Payoff,
    cost: StepCost,
    step_s: Callable[[int], float],
    prompt: Sequence[int],
    answer: Sequence[int],
    num_others: int = 0,
) -> Outcome:
    """Let a model that says `answer` say it, in steps with one token of each of `num_others`."""
    lookup, outcome, output = PromptLookup(prompt), Outcome(), list[int]()
    cost.observe(256, step_s(256))
    plain_rate = (1 + num_others) / step_s(1 + num_others)
    while len(output) < len(answer):
        draft = lookup.draft(min(16, len(answer) - len(output) - 1))
        num_drafts = payoff.num_drafts(draft, num_others)
        drawn = verify(draft.tokens[:num_drafts], answer[len(output) :])
        payoff.observe(draft, drawn)
        for token in drawn:
            lookup.push(token)
        output += drawn
        num_tokens = 1 + num_drafts + num_others
        cost.observe(num_tokens, step_s(num_tokens))
        outcome.num_drafted += num_drafts
        outcome.num_accepted += len(drawn) - 1
        outcome.time_s += step_s(num_tokens)
        outcome.plain_s += (len(drawn) + num_others) / plain_rate
    assert output == list(answer)
    return outcome


def verify(drafts: Sequence[int], following: Sequence[int]) -> list[int]:
    """The tokens that the model draws: up to the first that is not the drafted one."""
    num_right = 0
    while num_right < len(drafts) and drafts[num_right] == following[num_right]:
        num_right += 1
    return list(following[: num_right + 1])


def words(random_: random.Random, count: int, num_words: int = NUM_WORDS) -> list[int]:
    """Tokens as frequent as words are."""
    return random_.choices(range(num_words), [1 / (rank + 2) for rank in range(num_words)], k=count)


def answers(
    seed: int, quoted: tuple[int, int], fresh: tuple[int, int], num_words: int = NUM_WORDS
) -> list[tuple[list[int], list[int]]]:
    """Prompts and answers that quote passages of their prompt, with words of their own between."""
    random_, pairs = random.Random(seed), []
    for _ in range(10):
        prompt, answer = words(random_, 600, num_words), list[int]()
        while len(answer) < 300:
            answer += words(random_, random_.randint(*fresh), num_words)
            length = random_.randint(*quoted)
            start = random_.randrange(len(prompt) - length)
            answer += prompt[start : start + length]
        pairs.append((prompt, answer))
    return pairs


def simulate(
    step_s: Callable[[int], float],
    pairs: Sequence[tuple[list[int], list[int]]],
    num_others: int = 0,
) -> Outcome:
    cost = StepCost()
    payoff, total = Payoff(cost), Outcome()
    for prompt, answer in pairs:
        outcome = generate(payoff, cost, step_s, prompt, answer, num_others)
        total.num_drafted += outcome.num_drafted
        total.num_accepted += outcome.num_accepted
        total.time_s += outcome.time_s
        total.plain_s += outcome.plain_s
    return total


RANDOM = answers(1, quoted=(0, 0), fresh=(50, 50))
REPETITIVE = answers(1, quoted=(0, 0), fresh=(50, 50), num_words=60)
VERBATIM = answers(1, quoted=(200, 200), fresh=(0, 0))
# Log lines in an answer; template lines whose fields differ; names of a few tokens.
QUOTES = answers(1, quoted=(20, 40), fresh=(30, 60))
BROKEN_QUOTES = answers(1, quoted=(14, 20), fresh=(10, 20))
NAMES = answers(1, quoted=(4, 9), fresh=(10, 20))


@pytest.mark.parametrize("step_s", [on_cpu, on_gpu])
@pytest.mark.parametrize("num_others", [0, 3, 7, 15])
@pytest.mark.parametrize("pairs", [RANDOM, REPETITIVE], ids=["random", "repetitive"])
def test_where_nothing_is_quoted_hardly_anything_is_lost(
    step_s: Callable[[int], float], num_others: int, pairs: list[tuple[list[int], list[int]]]
) -> None:
    assert simulate(step_s, pairs, num_others).gain > 0.99


@pytest.mark.parametrize(
    ("pairs", "num_others", "cpu_gain", "gpu_gain"),
    [
        (VERBATIM, 0, 2.2, 12.0),
        (VERBATIM, 7, 1.6, 2.4),
        (QUOTES, 0, 1.15, 1.5),
        (QUOTES, 7, 1.02, 1.05),
        (BROKEN_QUOTES, 0, 1.1, 1.7),
        (NAMES, 0, 1.0, 1.2),
        (NAMES, 15, 1.0, 1.01),
    ],
)
def test_quoting_gains(
    pairs: list[tuple[list[int], list[int]]], num_others: int, cpu_gain: float, gpu_gain: float
) -> None:
    assert simulate(on_cpu, pairs, num_others).gain > cpu_gain
    assert simulate(on_gpu, pairs, num_others).gain > gpu_gain


@pytest.mark.parametrize("num_others", [0, 7, 128])
def test_where_steps_cost_the_same_a_sure_draft_is_verified_whole(num_others: int) -> None:
    payoff = taught(lambda num_tokens: 0.01, num_copied=16, is_copied=True)
    assert payoff.num_drafts(Draft([7] * 16, num_copied=16), num_others) == 16


@pytest.mark.parametrize("num_others", [0, 7, 128])
def test_where_each_token_costs_the_same_not_even_a_sure_one_is(num_others: int) -> None:
    payoff = taught(lambda num_tokens: 0.01 * num_tokens, num_copied=16, is_copied=True)
    assert payoff.num_drafts(Draft([7] * 16, num_copied=16), num_others) == 0


@pytest.mark.parametrize("step_s", [on_cpu, on_gpu])
def test_what_is_never_copied_is_never_verified(step_s: Callable[[int], float]) -> None:
    payoff = taught(step_s, num_copied=0, is_copied=False)
    assert payoff.num_drafts(Draft([7] * 16, num_copied=0), num_other_tokens=0) == 0


def test_a_draft_that_was_not_verified_teaches_as_well() -> None:
    cost = StepCost()
    payoff, draft = Payoff(cost), Draft([7] * 16, num_copied=16)
    cost.observe(1, on_cpu(1))
    cost.observe(256, on_cpu(256))
    assert payoff.num_drafts(draft, 0) == 0
    for _ in range(40):
        payoff.observe(draft, [7])
    assert payoff.num_drafts(draft, 0) > 8


def test_it_stops_when_copies_begin_to_break_off() -> None:
    payoff, draft = taught(on_cpu, num_copied=16, is_copied=True), Draft([7] * 16, num_copied=16)
    for _ in range(1000):
        payoff.observe(draft, [7])
    misses = next(misses for misses in range(100) if is_refuted(payoff, draft))
    assert 0 < misses < 20


def is_refuted(payoff: Payoff, draft: Draft) -> bool:
    is_off = payoff.num_drafts(draft, num_other_tokens=0) == 0
    payoff.observe(draft, [8])
    return is_off


def test_an_empty_draft_is_no_evidence() -> None:
    payoff = Payoff(StepCost())
    for _ in range(40):
        payoff.observe(Draft((), 0), [7])
    assert payoff.num_drafts(Draft([7] * 4, 0), 0) == Payoff(StepCost()).num_drafts(
        Draft([7] * 4, 0), 0
    )


def test_it_tries_again_when_large_steps_have_become_cheap() -> None:
    cost = StepCost()
    payoff = taught(on_cpu, num_copied=16, is_copied=True, cost=cost)
    for size in range(2, 18):
        for _ in range(30):
            cost.observe(size, 1.0)
    draft = Draft([7] * 16, num_copied=16)
    tried_after = next(step for step in range(5000) if tries(payoff, cost, draft))
    assert 0 < tried_after < 2500


def tries(payoff: Payoff, cost: StepCost, draft: Draft) -> bool:
    num_drafts = payoff.num_drafts(draft, num_other_tokens=0)
    cost.observe(1 + num_drafts, on_gpu(1 + num_drafts))
    return num_drafts > 0


def taught(
    step_s: Callable[[int], float],
    num_copied: int,
    *,
    is_copied: bool,
    cost: StepCost | None = None,
) -> Payoff:
    """A payoff that knows the costs, and that a run of `num_copied` always goes on, or never."""
    cost = cost or StepCost()
    for _ in range(30):
        for size in CPU_MS:
            cost.observe(size, step_s(size))
    payoff = Payoff(cost)
    for _ in range(100):
        payoff.observe(Draft([1], num_copied), [1 if is_copied else 2])
    return payoff
