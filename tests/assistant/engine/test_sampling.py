from __future__ import annotations

import numpy as np
import pytest

from assistant.engine.interface import Sampling
from assistant.engine.sampling import Sampler

from .fake_backend import FakeGrammar

LOGITS = np.log(np.array([0.5, 0.3, 0.15, 0.05], dtype=np.float32))


def draw(sampling: Sampling, count: int = 400) -> np.ndarray:
    sampler = Sampler(sampling)
    return np.bincount([sampler.draw(LOGITS) for _ in range(count)], minlength=4) / count


def test_temperature_zero_takes_the_most_likely() -> None:
    assert draw(Sampling()).tolist() == [1.0, 0.0, 0.0, 0.0]


def test_temperature_one_follows_the_probabilities() -> None:
    assert draw(Sampling(temperature=1.0), 4000) == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.04)


def test_same_seed_same_tokens() -> None:
    first = [Sampler(Sampling(temperature=1.0, seed=7)).draw(LOGITS) for _ in range(5)]
    second = [Sampler(Sampling(temperature=1.0, seed=7)).draw(LOGITS) for _ in range(5)]
    assert first == second


def test_top_p_leaves_out_the_tail() -> None:
    shares = draw(Sampling(temperature=1.0, top_p=0.75))
    assert shares[2] == shares[3] == 0.0
    assert shares[0] > shares[1] > 0.0


def test_min_p_is_relative_to_the_most_likely() -> None:
    shares = draw(Sampling(temperature=1.0, min_p=0.25))
    assert shares[3] == 0.0
    assert shares[2] > 0.0


def test_refused_token_gives_way_to_the_best_allowed_one() -> None:
    grammar = FakeGrammar("\x02\x03")
    logits = np.concatenate([LOGITS, np.full(252, -50.0, dtype=np.float32)])
    logits[0] = -50.0
    assert Sampler(Sampling(), grammar).draw(logits) == 2
