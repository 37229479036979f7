from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from assistant.models.gguf import GgufHeader, Value, check_whole
from assistant.models.shape import ModelShape, shape_of


def header(
    tensors: Mapping[str, int],
    values: Mapping[str, Value],
    lists: Mapping[str, Sequence[int | float]] | None = None,
) -> GgufHeader:
    return GgufHeader(
        version=3,
        num_tensors=len(tensors),
        min_size_bytes=0,
        header_bytes=0,
        tensor_kinds=frozenset(),
        values={"general.architecture": "one"}
        | {f"one.{key}": value for key, value in values.items()}
        | {"two.attention.head_count": 99},
        lists={f"one.{key}": value for key, value in (lists or {}).items()},
        tensor_bytes=tensors,
    )


TENSORS = {
    "token_embd.weight": 1000,
    "blk.0.attn_q.weight": 10,
    "blk.0.ffn_up.weight": 20,
    "blk.1.attn_q.weight": 11,
    "blk.10.attn_q.weight": 5,
    "output_norm.weight": 1,
    "output.weight": 700,
}


def test_tensors_belong_to_the_input_a_layer_or_the_output() -> None:
    shape = shape_of(header(TENSORS, {}))
    assert (shape.input_bytes, shape.output_bytes) == (1000, 701)
    assert shape.layer_bytes == [30, 11, 0, 0, 0, 0, 0, 0, 0, 0, 5]
    assert (shape.num_layers, shape.num_placed_layers) == (11, 12)


def test_output_without_weights_is_a_copy_of_the_input() -> None:
    tensors = {name: size for name, size in TENSORS.items() if name != "output.weight"}
    assert shape_of(header(tensors, {})).output_bytes == 1001


LAYERS = {"blk.0.x": 1, "blk.1.x": 1}


@pytest.mark.parametrize(
    ("values", "lists", "kv_values"),
    [
        # Two of twelve heads are KV heads, of 64 numbers each.
        (
            {
                "embedding_length": 768,
                "attention.head_count": 12,
                "attention.head_count_kv": 2,
            },
            {},
            [256, 256],
        ),
        # No grouping: as many KV heads as heads.
        ({"embedding_length": 768, "attention.head_count": 12}, {}, [1536, 1536]),
        # Heads of another size than the width of the model implies.
        (
            {
                "embedding_length": 768,
                "attention.head_count": 4,
                "attention.head_count_kv": 1,
                "attention.key_length": 256,
                "attention.value_length": 128,
            },
            {},
            [384, 384],
        ),
        # A layer without attention.
        (
            {"embedding_length": 768, "attention.head_count": 12},
            {"attention.head_count_kv": [0, 2]},
            [0, 256],
        ),
        ({"embedding_length": 64}, {"attention.head_count": [2, 4]}, [128, 128]),
        # No attention at all, nonsense, and a list that is too short.
        ({}, {}, [0, 0]),
        ({"embedding_length": -5, "attention.head_count": "many"}, {}, [0, 0]),
        (
            {"embedding_length": 64, "attention.head_count": 1},
            {"attention.head_count_kv": [9]},
            [128, 128],
        ),
    ],
)
def test_numbers_kept_for_a_token(
    values: Mapping[str, Value],
    lists: Mapping[str, Sequence[int | float]],
    kv_values: list[int],
) -> None:
    assert shape_of(header(LAYERS, values, lists)).kv_values == kv_values


def test_file_without_layers() -> None:
    assert shape_of(header({}, {})) == ModelShape(0, [], 0, [])


@pytest.mark.model
def test_the_shape_of_a_real_model(model_file: Callable[[str], Path]) -> None:
    path = model_file("qwen2.5-coder-0.5b")
    shape = shape_of(check_whole(path))
    assert shape.num_layers == 24
    assert shape.kv_values == [2 * 2 * 64] * 24
    weights = shape.input_bytes + sum(shape.layer_bytes) + shape.output_bytes
    assert 0.98 < weights / path.stat().st_size < 1
