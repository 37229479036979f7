"""LoRA adapters as the settings name them: what the text means, and whether the files fit.

Checked from the files' headers, before llama.cpp is loaded; whether the tensors fit too is seen
when the model is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from assistant.engine.load import Adapter
from assistant.errors import ModelError
from assistant.models.gguf import check_whole

_CORRECT = "correct [model] adapters"


def parse_adapter(text: str) -> Adapter:
    """The adapter that `path` or `path=scale` means; `~` is the home folder.

    A path may hold a `=` itself when it ends in `.gguf`. Raises ValueError.
    """
    path, is_scaled, scale = text.rpartition("=")
    if not is_scaled or text.endswith(".gguf"):
        path, scale = text, "1"
    try:
        factor = float(scale)
    except ValueError:
        factor = math.nan
    if not path.strip() or not math.isfinite(factor):
        raise ValueError(f'{text!r} is no adapter; write "path.gguf" or "path.gguf=0.5"')
    return Adapter(Path(path).expanduser(), factor)


def check_adapters(adapters: Iterable[Adapter], model: Path) -> None:
    """Refuse what cannot be an adapter of `model`. Raises ModelError."""
    for adapter in adapters:
        _check_adapter(adapter.path, model)


def _check_adapter(path: Path, model: Path) -> None:
    if not path.is_file():
        raise ModelError(f"there is no LoRA adapter at {path}", _CORRECT)
    header = check_whole(path)
    if header.kind != "adapter" or header.values.get("adapter.type") != "lora":
        raise ModelError(f"{path} is no LoRA adapter: its kind is {header.kind!r}", _CORRECT)
    architecture = check_whole(model).architecture
    if header.architecture != architecture:
        raise ModelError(
            f"{path} is an adapter for {header.architecture} models, and {model.name} is of "
            f"{architecture}",
            _CORRECT,
        )
