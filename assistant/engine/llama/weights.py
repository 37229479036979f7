"""The file of a loaded model: opening it, and noticing when somebody writes into it."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as api

from assistant.engine.errors import ModelFileChanged, ModelLoadError
from assistant.engine.load import LoadOptions


def load_weights(path: Path, options: LoadOptions) -> Any:
    """llama.cpp's model; whoever called frees it. Raises ModelLoadError."""
    parameters = api.llama_model_default_params()
    parameters.n_gpu_layers = options.gpu_layers
    parameters.load_mode = (
        api.LLAMA_LOAD_MODE_MMAP if options.is_mapped else api.LLAMA_LOAD_MODE_NONE
    )
    if options.tensor_split:
        shares = (ctypes.c_float * api.llama_max_devices())(*options.tensor_split)
        parameters.tensor_split = shares
    model = api.llama_model_load_from_file(os.fsencode(path), parameters)
    if not model:
        raise ModelLoadError(
            f"{path} cannot be loaded as a GGUF model", "fetch it again: midwatch model pull"
        )
    return model


def check_usable(model: Any, path: Path) -> None:
    """Raise ModelLoadError for a model whose cache cannot be shared and cut, or without chat."""
    if api.llama_model_is_recurrent(model) or api.llama_model_is_hybrid(model):
        raise ModelLoadError(
            f"{path} keeps a running state instead of a cache of tokens", "use a transformer model"
        )
    if not api.llama_model_chat_template(model, None):
        raise ModelLoadError(f"{path} has no chat template", "use an instruction-tuned GGUF model")


class MappedFile:
    """Notices when a file that is mapped into memory is overwritten in place.

    One that is merely replaced does not matter: the mapping keeps the old one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._signature = self._read_signature()

    def check(self) -> None:
        """Raise ModelFileChanged if the file was written to; about 1 µs."""
        if self._read_signature() != self._signature:
            raise ModelFileChanged(str(self._path))

    def close(self) -> None:
        """Stop watching."""
        os.close(self._descriptor)

    def _read_signature(self) -> tuple[int, int]:
        found = os.fstat(self._descriptor)
        return found.st_size, found.st_mtime_ns
