"""GGUF files of a test's own: a writer, a model of a few hundred kilobytes, and a LoRA adapter."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

Tensor = npt.NDArray[np.float32]

TINY_LAYERS = 4
_FEED_FORWARD, _VOCABULARY = 512, 64
_ALIGNMENT = 32
_TINY_VALUES = {
    "general.architecture": "qwen2",
    "general.name": "tiny",
    "general.file_type": 0,
    "qwen2.block_count": TINY_LAYERS,
    "qwen2.context_length": 64,
    "qwen2.feed_forward_length": _FEED_FORWARD,
    "qwen2.attention.head_count": 4,
    "qwen2.attention.layer_norm_rms_epsilon": 1e-6,
    "qwen2.vocab_size": _VOCABULARY,
    "tokenizer.ggml.model": "none",
}


def write_gguf(path: Path, values: Mapping[str, object], tensors: Mapping[str, Tensor]) -> Path:
    """Write float32 `tensors` and `values`: whole numbers, floats, booleans and text."""
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values))
    header += b"".join(_string(key) + _value(value) for key, value in values.items())
    data = b""
    for name, tensor in tensors.items():
        # GGUF counts dimensions from the innermost.
        shape = tensor.shape[::-1]
        header += _string(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        header += struct.pack("<IQ", 0, len(data))
        data += _padded(np.ascontiguousarray(tensor, dtype="<f4").tobytes())
    path.write_bytes(_padded(header) + data)
    return path


def write_tiny_model(path: Path, width: int = 256, **values: object) -> Path:
    """A model without a vocabulary that llama.cpp loads and quantizes; `values` are put on top."""
    random = np.random.default_rng(5)

    def weights(*shape: int) -> Tensor:
        return random.standard_normal(shape, dtype=np.float32) / 16

    tensors = {
        "token_embd.weight": weights(_VOCABULARY, width),
        "output_norm.weight": weights(width),
    }
    for layer in range(TINY_LAYERS):
        for name, shape in _layer_shapes(width).items():
            tensors[f"blk.{layer}.{name}"] = weights(*shape)
    return write_gguf(path, _TINY_VALUES | {"qwen2.embedding_length": width} | values, tensors)


def write_adapter(path: Path, width: int = 896, seed: int = 1, **values: object) -> Path:
    """A LoRA adapter of rank 2 for one tensor of a qwen2 model `width` wide."""
    random = np.random.default_rng(seed)
    down = random.standard_normal((2, width), dtype=np.float32)
    up = random.standard_normal((width, 2), dtype=np.float32)
    described = {
        "general.architecture": "qwen2",
        "general.type": "adapter",
        "adapter.type": "lora",
        "adapter.lora.alpha": 2.0,
    }
    name = "blk.0.attn_q.weight"
    return write_gguf(path, described | values, {f"{name}.lora_a": down, f"{name}.lora_b": up})


def _layer_shapes(width: int) -> dict[str, tuple[int, ...]]:
    attention = {
        f"attn_{part}.{kind}": shape
        for part in ("q", "k", "v")
        for kind, shape in (("weight", (width, width)), ("bias", (width,)))
    }
    return attention | {
        "attn_norm.weight": (width,),
        "attn_output.weight": (width, width),
        "ffn_norm.weight": (width,),
        "ffn_gate.weight": (_FEED_FORWARD, width),
        "ffn_up.weight": (_FEED_FORWARD, width),
        "ffn_down.weight": (width, _FEED_FORWARD),
    }


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _value(value: object) -> bytes:
    match value:
        case bool():
            return struct.pack("<I?", 7, value)
        case int():
            return struct.pack("<II", 4, value)
        case float():
            return struct.pack("<If", 6, value)
        case str():
            return struct.pack("<I", 8) + _string(value)
    raise TypeError(f"no GGUF value: {value!r}")


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % _ALIGNMENT)
