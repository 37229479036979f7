"""What the options of loading do to the real 0.5B model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.engine.backend import Slice
from assistant.engine.errors import ModelLoadError
from assistant.engine.interface import Segment
from assistant.engine.llama import LlamaModel
from assistant.engine.load import LoadOptions

pytestmark = pytest.mark.model

OPTIONS = LoadOptions(context_tokens=1024, num_threads=1)
TEXT = [Segment("the quick brown fox jumps over the lazy dog, and the dog sleeps on")]


@pytest.fixture
def path(model_file: Callable[[str], Path]) -> Path:
    return model_file("qwen2.5-coder-0.5b")


@contextmanager
def loaded(path: Path, **options: Any) -> Iterator[LlamaModel]:
    model = LlamaModel(path, replace(OPTIONS, **options))
    try:
        yield model
    finally:
        model.close()


def test_q8_0_halves_the_cache_and_computes_the_same(path: Path) -> None:
    with loaded(path, kv_type="f16") as model:
        tokens = model.tokenize(TEXT)
        exact = model.decode([Slice(0, 0, tokens)])[0].copy()
        exact_bytes = len(model.save_state(0))
    with loaded(path, kv_type="q8_0") as model:
        rounded = model.decode([Slice(0, 0, tokens)])[0].copy()
        rounded_bytes = len(model.save_state(0))
    assert rounded_bytes / exact_bytes == pytest.approx(34 / 64, abs=0.01)
    assert np.corrcoef(exact, rounded)[0, 1] > 0.99


def test_q8_0_needs_flash_attention(path: Path) -> None:
    with pytest.raises(ModelLoadError), loaded(path, kv_type="q8_0", has_flash_attention=False):
        pass


def test_a_cache_larger_than_the_context(path: Path) -> None:
    with loaded(path, cache_tokens=4096) as model:
        assert (model.num_cells, model.info.context_tokens) == (4096, 1024)


def test_gpu_options_without_a_gpu_do_no_harm(path: Path) -> None:
    with loaded(path, gpu_layers=9999, tensor_split=(3.0, 1.0)) as model:
        tokens = model.tokenize(TEXT)
        assert model.decode([Slice(0, 0, tokens)]).shape[0] == 1
