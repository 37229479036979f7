"""LoRA adapters on the real 0.5B model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assistant.engine.backend import Slice
from assistant.engine.errors import ModelLoadError
from assistant.engine.interface import Segment
from assistant.engine.llama import LlamaModel
from assistant.engine.load import Adapter, LoadOptions
from assistant.engine.sampling import Logits
from tests.assistant.models.gguf_file import write_adapter, write_tiny_model

pytestmark = pytest.mark.model

Load = Callable[..., "Loaded"]


class Loaded:
    """What a model with some adapters computes for one text, and how it names its states."""

    def __init__(self, path: Path, adapters: tuple[Adapter, ...]) -> None:
        model = LlamaModel(path, LoadOptions(512, 2, adapters=adapters))
        tokens = model.tokenize([Segment("the disk of the database is")])
        (logits,) = model.decode([Slice(0, 0, tokens)])
        self.logits: Logits = logits.copy()
        self.state_format = model.state_format
        model.close()


@pytest.fixture
def load(model_file: Callable[[str], Path]) -> Load:
    return lambda *adapters: Loaded(model_file("qwen2.5-coder-0.5b"), adapters)


def test_an_adapter_changes_what_is_computed_by_its_scale(load: Load, tmp_path: Path) -> None:
    first = write_adapter(tmp_path / "first.gguf", seed=1)
    second = write_adapter(tmp_path / "second.gguf", seed=2)
    without = load()
    assert np.array_equal(load(Adapter(first, 0.0)).logits, without.logits)
    whole, half = load(Adapter(first)), load(Adapter(first, 0.5))
    both = load(Adapter(first), Adapter(second))
    different = [without, whole, half, both]
    for index, one in enumerate(different):
        for other in different[index + 1 :]:
            assert not np.allclose(one.logits, other.logits, atol=0.01)
            assert one.state_format != other.state_format


def test_a_state_belongs_to_the_adapters_content(load: Load, tmp_path: Path) -> None:
    path = write_adapter(tmp_path / "a.gguf", seed=1)
    first = load(Adapter(path))
    moved = write_adapter(tmp_path / "b.gguf", seed=1)
    assert load(Adapter(moved)).state_format == first.state_format
    write_adapter(path, seed=2)
    assert load(Adapter(path)).state_format != first.state_format


def test_what_is_no_adapter_of_the_model_is_refused_in_llama_cpps_words(
    load: Load, tmp_path: Path
) -> None:
    (tmp_path / "text.gguf").write_text("hello")
    write_tiny_model(tmp_path / "model.gguf")
    write_adapter(tmp_path / "wide.gguf", width=1536)
    write_adapter(tmp_path / "llama.gguf", **{"general.architecture": "llama"})
    for name, reason in {
        "missing.gguf": "No such file",
        "text.gguf": "invalid magic",
        "model.gguf": "expect general.type to be 'adapter'",
        "wide.gguf": "tensor 'blk.0.attn_q.weight' has incorrect shape",
        "llama.gguf": "arch mismatch",
    }.items():
        with pytest.raises(ModelLoadError) as caught:
            load(Adapter(tmp_path / name))
        assert f"{tmp_path / name} cannot be loaded as a LoRA adapter" in caught.value.message
        assert reason in caught.value.message
        assert caught.value.hint == "correct [model] adapters"
