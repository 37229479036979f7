"""From settings to the local model: which file, how many threads, and loading it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.models.store import ModelStore
from assistant.settings import ModelSettings, Settings

if TYPE_CHECKING:
    from assistant.chat.local import LocalChatModel


def models_dir(settings: Settings) -> Path:
    """Where model files are kept."""
    return settings.model.dir or settings.data.dir / "models"


def model_path(settings: Settings) -> Path:
    """The GGUF file that the settings name. Raises ModelError when it is not there or damaged."""
    return ModelStore(models_dir(settings)).resolve(settings.model.name)


def num_threads(settings: ModelSettings) -> int:
    """Threads for the model: as set, else the processors that this process may run on."""
    if settings.threads != "auto":
        return settings.threads
    return max(1, len(os.sched_getaffinity(0)))


def open_local_model(settings: Settings) -> LocalChatModel:
    """Load the local model; takes about a second. Raises ModelError or ModelLoadError."""
    path = model_path(settings)
    from assistant.chat.local import LocalChatModel
    from assistant.engine.llama import LlamaModel, LoadOptions
    from assistant.engine.serial import SerialEngine

    options = LoadOptions(
        context_tokens=settings.model.context_tokens,
        num_threads=num_threads(settings.model),
        gpu_layers=settings.model.gpu_layers,
    )
    return LocalChatModel(
        engine=SerialEngine(LlamaModel(path, options)),
        max_tokens=settings.model.max_answer_tokens,
        temperature=settings.model.temperature,
    )
