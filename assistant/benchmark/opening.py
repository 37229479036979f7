"""Opening the engine that is measured: the one place that knows where it comes from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from assistant.engine.interface import Engine
from assistant.errors import MidwatchError
from assistant.providers import model_path, models_dir, open_local_model, plan_for
from assistant.settings import DataSettings, Settings

OpenEngine = Callable[[Settings], AbstractAsyncContextManager[Engine]]


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a loaded model takes: its threads at most, and the bytes of a cell of its KV cache."""

    threads: int
    cell_bytes: float


def footprint_of(settings: Settings) -> Footprint:
    """The footprint of the local model of `settings`. Raises ModelError."""
    plan = plan_for(settings.model, model_path(settings))
    return Footprint(plan.threads.value, plan.cache_bytes / plan.cache_tokens.value)


@asynccontextmanager
async def open_engine(settings: Settings, *, is_brief: bool = False) -> AsyncIterator[Engine]:
    """The local model's engine, closed at the end; `is_brief` as for `open_local_model`.

    Raises ModelError or ModelLoadError.
    """
    model = await open_local_model(settings, is_brief=is_brief)
    try:
        yield model.engine
    finally:
        await model.aclose()


def isolated(settings: Settings, data_dir: Path) -> Settings:
    """`settings` with the same model files and a data folder of their own.

    Raises MidwatchError when they name a server instead of a local model.
    """
    if settings.model.provider != "local":
        raise MidwatchError(
            "only a local model can be measured, and the settings name a server",
            "take a local one: midwatch --model qwen2.5-coder-1.5b bench, [model] provider local",
        )
    model = settings.model.model_copy(update={"dir": models_dir(settings)})
    return settings.model_copy(update={"model": model, "data": DataSettings(dir=data_dir)})
