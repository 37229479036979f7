"""The LoRA adapters of a loaded model: they change what its weights compute, for every request."""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as api

from assistant.engine.errors import ModelLoadError
from assistant.engine.llama.library import hearing_errors
from assistant.engine.load import Adapter

_CORRECT = "correct [model] adapters"


class Adapters:
    """Loaded adapters, which llama.cpp frees with the model.

    Load them before a context of the model is opened, then apply them to it. Raises ModelLoadError.
    """

    def __init__(self, model: Any, adapters: Sequence[Adapter]) -> None:
        self._scales = [adapter.scale for adapter in adapters]
        self._pointers = [_load(model, adapter.path) for adapter in adapters]
        self.identity = ",".join(f"{_digest(a.path)}*{a.scale}" for a in adapters)
        """What they are by content and scale: the same for the same computations only."""

    def apply(self, context: Any) -> None:
        """Have `context` compute with all of them, each at its scale."""
        count = len(self._pointers)
        pointers = (api.llama_adapter_lora_p_ctypes * count)(*self._pointers)
        scales = (ctypes.c_float * count)(*self._scales)
        if api.llama_set_adapters_lora(context, pointers, count, scales) != 0:
            raise ModelLoadError("llama.cpp cannot apply the LoRA adapters", _CORRECT)


def _load(model: Any, path: Path) -> Any:
    with hearing_errors() as errors:
        loaded = api.llama_adapter_lora_init(model, os.fsencode(path))
    if not loaded:
        reason = f": {errors[0]}" if errors else ""
        raise ModelLoadError(
            f"{path} cannot be loaded as a LoRA adapter of this model{reason}", _CORRECT
        )
    return loaded


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
