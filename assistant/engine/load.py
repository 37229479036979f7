"""How a model is loaded: what whoever opens one decides, without importing llama.cpp."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

KvType = Literal["f16", "q8_0"]


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter (GGUF) and how strongly it is applied; 1.0 is as it was trained."""

    path: Path
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a model is loaded.

    `cache_tokens` is the size of the KV cache that all requests share, at least `context_tokens`,
    the longest single request. `gpu_layers` beyond the model's own number mean all of them;
    `tensor_split` is each GPU's share of them, evenly by free memory when empty. A file that
    `is_mapped` loads faster and shares its pages with other processes; one that is not survives
    being overwritten while it is in use.
    """

    context_tokens: int
    num_threads: int
    cache_tokens: int = 0
    gpu_layers: int = 0
    tensor_split: tuple[float, ...] = ()
    kv_type: KvType = "f16"
    has_flash_attention: bool = True
    adapters: tuple[Adapter, ...] = ()
    is_mapped: bool = True
