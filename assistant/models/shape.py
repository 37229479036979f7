"""What a model consists of, in bytes: enough to tell what loading it takes, and where it fits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.models.gguf import GgufHeader

_LAYER = re.compile(r"blk\.(\d+)\.")
_INPUT = "token_embd."
_TIED_OUTPUT = "token_embd.weight"


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The parts of a model: the input, its layers, and the output, which makes logits.

    Layer i has weights of `layer_bytes[i]` and keeps `kv_values[i]` numbers for each token in the
    KV cache. The output of a model without one of its own is a second copy of its input.
    """

    input_bytes: int
    layer_bytes: Sequence[int]
    output_bytes: int
    kv_values: Sequence[int]

    @property
    def num_layers(self) -> int:
        """Layers between the input and the output."""
        return len(self.layer_bytes)

    @property
    def num_placed_layers(self) -> int:
        """What llama.cpp counts when it places layers on a GPU: the output is one of them."""
        return self.num_layers + 1


def shape_of(header: GgufHeader) -> ModelShape:
    """The shape of the model in a GGUF file; a layer without attention keeps nothing a token."""
    layers: Counter[int] = Counter()
    input_bytes = output_bytes = 0
    for name, size_bytes in header.tensor_bytes.items():
        if match := _LAYER.match(name):
            layers[int(match[1])] += size_bytes
        elif name.startswith(_INPUT):
            input_bytes += size_bytes
        else:
            output_bytes += size_bytes
    if "output.weight" not in header.tensor_bytes:
        output_bytes += header.tensor_bytes.get(_TIED_OUTPUT, 0)
    num_layers = max(layers, default=-1) + 1
    return ModelShape(
        input_bytes=input_bytes,
        layer_bytes=[layers[layer] for layer in range(num_layers)],
        output_bytes=output_bytes,
        kv_values=_kv_values(header, num_layers),
    )


def _kv_values(header: GgufHeader, num_layers: int) -> list[int]:
    """Numbers that each layer keeps for a token: a key and a value for each of its KV heads."""
    keys = _Keys(header.values, header.lists, header.architecture)
    heads = keys.of_layers("attention.head_count", num_layers, default=0)
    kv_heads = keys.of_layers("attention.head_count_kv", num_layers, default=max(heads, default=0))
    head_size = keys.number("embedding_length") // max([*heads, 1])
    key_length = keys.number("attention.key_length", head_size)
    value_length = keys.number("attention.value_length", head_size)
    return [count * (key_length + value_length) for count in kv_heads]


@dataclass(frozen=True, slots=True)
class _Keys:
    """The whole numbers among the keys of one architecture."""

    values: Mapping[str, object]
    lists: Mapping[str, Sequence[int | float]]
    architecture: str

    def number(self, key: str, default: int = 0) -> int:
        """The number of `key`, never negative."""
        value = self.values.get(f"{self.architecture}.{key}")
        return max(0, value) if isinstance(value, int) else default

    def of_layers(self, key: str, num_layers: int, default: int) -> list[int]:
        """The number of `key` in each layer, whether the file has one or a list of them."""
        listed = self.lists.get(f"{self.architecture}.{key}", ())
        if len(listed) >= num_layers:
            return [max(0, int(value)) for value in listed[:num_layers]]
        return [self.number(key, default)] * num_layers
