from __future__ import annotations

import ctypes
import math
from dataclasses import replace

import llama_cpp.llama_cpp as api
import numpy as np
import pytest

from assistant.engine.errors import DecodeFailed, GrammarDeadEnd, RequestRefused
from assistant.engine.interface import Sampling
from assistant.engine.sampling import Logits, Sampler, check

LOGITS = np.log(np.array([0.5, 0.3, 0.15, 0.05], dtype=np.float32))
VOCABULARY = 151_936


class Only:
    """Allows nothing but `tokens`."""

    def __init__(self, *tokens: int) -> None:
        self.tokens = tokens
        self.accepted: list[int] = []
        self.num_masks = 0

    def allows(self, token: int) -> bool:
        return token in self.tokens

    def mask(self, logits: Logits) -> Logits:
        self.num_masks += 1
        masked = np.full_like(logits, -np.inf)
        masked[list(self.tokens)] = logits[list(self.tokens)]
        return masked

    def accept(self, token: int) -> None:
        assert token in self.tokens
        self.accepted.append(token)


def shares(sampling: Sampling, count: int = 400, grammar: Only | None = None) -> np.ndarray:
    sampler = Sampler(sampling, grammar)
    return np.bincount([sampler.draw(LOGITS) for _ in range(count)], minlength=4) / count


def real_looking_logits() -> Logits:
    return np.random.default_rng(5).normal(0, 4, VOCABULARY).astype(np.float32)


def test_temperature_zero_takes_the_most_likely() -> None:
    assert shares(Sampling()).tolist() == [1.0, 0.0, 0.0, 0.0]


def test_temperature_one_follows_the_probabilities() -> None:
    drawn = shares(Sampling(temperature=1.0), 4000)
    assert drawn == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.04)


def test_low_temperature_sharpens() -> None:
    weights = np.array([0.5, 0.3, 0.15, 0.05]) ** 2
    drawn = shares(Sampling(temperature=0.5), 4000)
    assert drawn == pytest.approx(weights / weights.sum(), abs=0.04)


@pytest.mark.parametrize("temperature", [1e-300, 1e-5, 1e-3])
def test_temperature_near_zero_is_no_trouble(temperature: float) -> None:
    assert shares(Sampling(temperature=temperature), 20)[0] == 1.0


def test_huge_temperature_makes_all_alike() -> None:
    assert shares(Sampling(temperature=1000.0), 4000) == pytest.approx([0.25] * 4, abs=0.04)


def test_whole_vocabulary_is_drawn_by_its_probabilities() -> None:
    logits = np.full(VOCABULARY, -30.0, dtype=np.float32)
    likely = [0, 511, 512, 70_000, VOCABULARY - 1]
    logits[likely] = np.log([0.1, 0.2, 0.3, 0.25, 0.15])
    sampler = Sampler(Sampling(temperature=1.0, seed=1))
    drawn = [sampler.draw(logits) for _ in range(2000)]
    assert set(drawn) <= set(likely)
    counts = [drawn.count(token) / 2000 for token in likely]
    assert counts == pytest.approx([0.1, 0.2, 0.3, 0.25, 0.15], abs=0.04)


def test_same_seed_same_tokens() -> None:
    logits = real_looking_logits()
    for sampling in (Sampling(temperature=1.0, seed=7), Sampling(temperature=1, top_p=0.9, seed=7)):
        one, other = Sampler(sampling), Sampler(sampling)
        assert [one.draw(logits) for _ in range(8)] == [other.draw(logits) for _ in range(8)]


def test_tokens_depend_on_how_many_were_drawn_and_not_on_how() -> None:
    """What a grammar refused, or forced, does not shift the numbers of the tokens after it."""
    sampling = Sampling(temperature=1.0, seed=3)
    logits = real_looking_logits()
    free, bound = Sampler(sampling), Sampler(sampling, grammar := Only(5))
    free.draw(logits)
    bound.draw(logits)
    bound.take(5)
    grammar.tokens = tuple(range(VOCABULARY))
    assert [free.draw(logits) for _ in range(5)] == [bound.draw(logits) for _ in range(5)]


def test_top_p_leaves_out_the_tail() -> None:
    drawn = shares(Sampling(temperature=1.0, top_p=0.75))
    assert drawn[2] == drawn[3] == 0.0
    assert drawn[0] > drawn[1] > 0.0


def test_top_p_keeps_at_least_one() -> None:
    assert shares(Sampling(temperature=1.0, top_p=1e-9))[0] == 1.0


@pytest.mark.parametrize("top_p", [0.3, 0.9, 0.999])
@pytest.mark.parametrize("scale", [0.05, 1.0, 4.0])
def test_top_p_of_a_whole_vocabulary_is_the_smallest_set(top_p: float, scale: float) -> None:
    logits = (np.random.default_rng(2).normal(0, scale, 5000)).astype(np.float32)
    probabilities = np.exp(logits - logits.max()).astype(np.float64)
    probabilities /= probabilities.sum()
    ranked = np.sort(probabilities)[::-1]
    count = int(np.searchsorted(np.cumsum(ranked), top_p)) + 1
    sampler = Sampler(Sampling(temperature=1.0, top_p=top_p, seed=4))
    drawn = {sampler.draw(logits) for _ in range(800)}
    # A hair of tolerance: which of two equal ones is the last is a matter of rounding.
    assert probabilities[list(drawn)].min() >= ranked[count - 1] * 0.9999
    if count < 20:
        assert len(drawn) == count


def test_top_p_among_equals_takes_as_many_as_it_needs() -> None:
    sampler = Sampler(Sampling(temperature=1.0, top_p=0.5))
    assert {sampler.draw(np.zeros(8, dtype=np.float32)) for _ in range(200)} == {0, 1, 2, 3}


def test_min_p_is_relative_to_the_most_likely() -> None:
    drawn = shares(Sampling(temperature=1.0, min_p=0.25))
    assert drawn[3] == 0.0
    assert drawn[2] > 0.0


def test_top_p_counts_what_min_p_leaves() -> None:
    # 0.5 and 0.3 are left, of which 0.5 is less than 0.7.
    drawn = shares(Sampling(temperature=1.0, min_p=0.5, top_p=0.7))
    assert drawn[1] > 0.0
    assert shares(Sampling(temperature=1.0, min_p=0.5, top_p=0.6))[1] == 0.0


def test_refused_token_gives_way_to_the_best_allowed_one() -> None:
    grammar = Only(2, 3)
    assert Sampler(Sampling(), grammar).draw(LOGITS) == 2
    assert grammar.accepted == [2]


def test_grammar_is_applied_in_full_only_when_the_likely_ones_are_refused() -> None:
    logits = np.arange(100, dtype=np.float32)
    near, far = Only(96), Only(3)
    assert Sampler(Sampling(), near).draw(logits) == 96
    assert near.num_masks == 0
    assert Sampler(Sampling(), far).draw(logits) == 3
    assert far.num_masks == 1


@pytest.mark.parametrize("allowed", [(1, 2, 3), (2, 3)])
def test_grammar_does_not_distort_what_it_allows(allowed: tuple[int, ...]) -> None:
    weights = np.array([0.5, 0.3, 0.15, 0.05]) * np.isin(range(4), allowed)
    drawn = shares(Sampling(temperature=1.0), 4000, Only(*allowed))
    assert drawn == pytest.approx(weights / weights.sum(), abs=0.04)


def test_grammar_does_not_distort_what_it_allows_in_a_large_vocabulary() -> None:
    """Here nearly everything is refused, so that the whole mask has to be asked."""
    logits = np.zeros(2000, dtype=np.float32)
    logits[[10, 20]] = np.log([3.0, 1.0])
    sampler = Sampler(Sampling(temperature=1.0, seed=2), Only(10, 20))
    drawn = [sampler.draw(logits) for _ in range(1500)]
    assert drawn.count(10) / 1500 == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("size", [4, 2000])
def test_grammar_that_leaves_nothing_is_a_named_error(temperature: float, size: int) -> None:
    sampler = Sampler(Sampling(temperature=temperature), Only())
    with pytest.raises(GrammarDeadEnd):
        sampler.draw(np.zeros(size, dtype=np.float32))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_logits_that_are_no_numbers_are_a_named_error(temperature: float, wrong: float) -> None:
    logits = LOGITS.copy()
    logits[2] = wrong
    with pytest.raises(DecodeFailed, match=str(wrong)):
        Sampler(Sampling(temperature=temperature)).draw(logits)


def test_token_that_the_grammar_refuses_cannot_be_forced() -> None:
    grammar = Only(2)
    with pytest.raises(DecodeFailed, match="token 1"):
        Sampler(Sampling(), grammar).take(1)
    assert grammar.accepted == []


def penalised_by_llama(sampling: Sampling, logits: Logits, history: list[int]) -> Logits:
    """What llama.cpp's own sampler makes of `logits` after `history`."""
    sampler = api.llama_sampler_init_penalties(
        len(logits),
        sampling.penalty_tokens,
        sampling.repetition_penalty,
        sampling.frequency_penalty,
        sampling.presence_penalty,
    )
    for token in history:
        api.llama_sampler_accept(sampler, token)
    data = (api.llama_token_data * len(logits))(
        *(api.llama_token_data(token, logit, 0.0) for token, logit in enumerate(logits))
    )
    array = api.llama_token_data_array(
        data=ctypes.cast(data, ctypes.POINTER(api.llama_token_data)),
        size=len(logits),
        selected=-1,
        sorted=False,
    )
    api.llama_sampler_apply(sampler, ctypes.byref(array))
    api.llama_sampler_free(sampler)
    return np.array([entry.logit for entry in data], dtype=np.float32)


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(repetition_penalty=1.3, penalty_tokens=5),
        Sampling(presence_penalty=0.7, penalty_tokens=5),
        Sampling(frequency_penalty=0.4, penalty_tokens=5),
        Sampling(
            repetition_penalty=1.2, presence_penalty=-0.3, frequency_penalty=1.1, penalty_tokens=64
        ),
    ],
)
def test_penalties_are_those_of_llama_cpp(sampling: Sampling) -> None:
    logits = np.random.default_rng(8).normal(0, 3, 12).astype(np.float32)
    history = [3, 1, 1, 7, 1, 3, 9, 9]
    expected = penalised_by_llama(sampling, logits, history)
    # What is drawn when the better ones are gone, one after the other, shows the whole order.
    for token in np.argsort(-expected):
        assert sampler_after(history, sampling).draw(logits) == token
        logits[token] = -np.inf


def sampler_after(history: list[int], sampling: Sampling) -> Sampler:
    sampler = Sampler(sampling)
    for token in history:
        sampler.take(token)
    return sampler


def test_penalties_shift_the_probabilities_by_their_amount() -> None:
    sampling = Sampling(temperature=1.0, presence_penalty=math.log(5.0), penalty_tokens=1)
    drawn = [sampler_after([0], replace(sampling, seed=n)).draw(LOGITS) for n in range(2000)]
    weights = np.array([0.5 / 5, 0.3, 0.15, 0.05])
    assert np.bincount(drawn) / 2000 == pytest.approx(weights / weights.sum(), abs=0.04)


def test_penalties_look_back_only_so_far() -> None:
    sampling = Sampling(presence_penalty=50.0, penalty_tokens=2)
    assert sampler_after([0], sampling).draw(LOGITS) == 1
    assert sampler_after([0, 2, 3], sampling).draw(LOGITS) == 0
    assert sampler_after([0], replace(sampling, penalty_tokens=0)).draw(LOGITS) == 0


def test_penalties_count_drawn_tokens_and_leave_the_logits_alone() -> None:
    logits = LOGITS.copy()
    sampler = Sampler(Sampling(presence_penalty=50.0))
    assert [sampler.draw(logits) for _ in range(4)] == [0, 1, 2, 3]
    assert np.array_equal(logits, LOGITS)


@pytest.mark.parametrize(
    ("sampling", "named"),
    [
        (Sampling(temperature=-0.1), "temperature is -0.1"),
        (Sampling(temperature=math.nan), "temperature is nan"),
        (Sampling(temperature=math.inf), "temperature is inf"),
        (Sampling(top_p=0.0), "top_p is 0.0"),
        (Sampling(top_p=1.1), "top_p is 1.1"),
        (Sampling(min_p=-0.1), "min_p is -0.1"),
        (Sampling(min_p=math.nan), "min_p is nan"),
        (Sampling(repetition_penalty=0.0), "repetition_penalty is 0.0"),
        (Sampling(presence_penalty=math.nan), "presence_penalty is nan"),
        (Sampling(frequency_penalty=math.inf), "frequency_penalty is inf"),
        (Sampling(penalty_tokens=-1), "penalty_tokens is -1"),
        (Sampling(seed=-1), "seed is -1"),
        (Sampling(seed=10**400), "seed is 1000"),
    ],
)
def test_sampling_that_makes_no_sense_is_refused(sampling: Sampling, named: str) -> None:
    with pytest.raises(RequestRefused, match=named) as refused:
        check(sampling)
    assert named.split()[0] in refused.value.hint


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(temperature=2.0, top_p=0.1, min_p=1.0, penalty_tokens=0, seed=2**64 - 1),
        Sampling(repetition_penalty=0.5, presence_penalty=-2.0, frequency_penalty=2.0),
    ],
)
def test_sensible_sampling_is_not_refused(sampling: Sampling) -> None:
    check(sampling)
    assert Sampler(sampling).draw(LOGITS) in range(4)
