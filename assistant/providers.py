"""From settings to the local model: which file, how it is to be loaded, and loading it."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from assistant.engine.errors import ModelLoadError
from assistant.engine.interface import Priority
from assistant.engine.load import Adapter, LoadOptions
from assistant.load_plan import LoadPlan, plan_load
from assistant.machine import read_machine
from assistant.models.adapters import check_adapters, parse_adapter
from assistant.models.gguf import check_whole
from assistant.models.identity import file_digest, file_signature
from assistant.models.shape import shape_of
from assistant.models.store import ModelStore
from assistant.settings import ModelSettings, Settings

if TYPE_CHECKING:
    from assistant.chat.local import LocalChatModel
    from assistant.engine.batch import BatchEngine
    from assistant.engine.snapshots import Snapshots

_log = logging.getLogger(__name__)
T = TypeVar("T")
_MIB = 1 << 20
# Room for the beginnings of a question and of an answer, and for what is written about them.
_LIGHT_CONTEXT_TOKENS = 2048


def models_dir(settings: Settings) -> Path:
    """Where model files are kept."""
    return settings.model.dir or settings.data.dir / "models"


def model_path(settings: Settings) -> Path:
    """The GGUF file that the settings name. Raises ModelError when it is not there or damaged."""
    return ModelStore(models_dir(settings)).resolve(settings.model.name)


def light_settings(settings: ModelSettings) -> ModelSettings:
    """How the light model is loaded: small, on one processor, the GPU being for answers."""
    return settings.model_copy(
        update={
            "name": settings.light,
            "context_tokens": _LIGHT_CONTEXT_TOKENS,
            "cache_tokens": _LIGHT_CONTEXT_TOKENS,
            "gpu_layers": 0,
            "tensor_split": (),
            "adapters": (),
            # With more, OpenMP's threads outnumber the processors, which slows the main model.
            "threads": 1,
            "speculation": False,
            "snapshot_mib": 0,
            "temperature": 0.0,
        }
    )


def model_adapters(settings: ModelSettings, model: Path) -> tuple[Adapter, ...]:
    """The LoRA adapters that are set. Raises ModelError for one that cannot be of `model`."""
    adapters = tuple(parse_adapter(text) for text in settings.adapters)
    check_adapters(adapters, model)
    return adapters


def plan_for(settings: ModelSettings, path: Path, *, is_brief: bool = False) -> LoadPlan:
    """How to load the file at `path` on this machine, as it is now. Raises ModelError."""
    from assistant.engine.llama.devices import read_gpus

    shape = shape_of(check_whole(path))
    return plan_load(settings, shape, read_machine(), read_gpus(), is_brief=is_brief)


def load_options(
    settings: ModelSettings, plan: LoadPlan, adapters: tuple[Adapter, ...], *, is_mapped: bool
) -> LoadOptions:
    """What the engine is told of `plan`."""
    return LoadOptions(
        context_tokens=settings.context_tokens,
        num_threads=plan.threads.value,
        cache_tokens=plan.cache_tokens.value,
        gpu_layers=plan.gpu_layers.value,
        tensor_split=plan.tensor_split,
        kv_type=settings.kv_type,
        has_flash_attention=settings.flash_attention,
        adapters=adapters,
        is_mapped=is_mapped,
    )


def load_with_fewer(load: Callable[[LoadOptions], T], options: LoadOptions) -> T:
    """Load, with fewer layers on the GPU where that fails: half of them, then none.

    How much memory a driver really gives is known only by trying. Raises ModelLoadError when the
    model cannot be loaded without a GPU either.
    """
    tries = dict.fromkeys((options.gpu_layers, options.gpu_layers // 2, 0))
    for layers, fewer in itertools.pairwise(tries):
        try:
            return load(replace(options, gpu_layers=layers))
        except ModelLoadError as error:
            message = "%s; %d layers on the GPU were too many, trying %d"
            _log.warning(message, error.message, layers, fewer)
    return load(replace(options, gpu_layers=0))


def open_snapshots(settings: Settings, path: Path) -> Snapshots | None:
    """Where the computed prefixes of the model at `path` are kept; None when none are to be."""
    from assistant.engine.snapshots import Snapshots

    max_bytes = settings.model.snapshot_mib * _MIB
    if max_bytes == 0:
        return None
    store = ModelStore(models_dir(settings))
    digest = store.known_digest(path) or file_digest(path, settings.data.dir / "digests")
    return Snapshots(settings.data.dir / "snapshots", max_bytes, digest)


async def open_local_model(settings: Settings, *, is_brief: bool = False) -> LocalChatModel:
    """Load the local model; takes about a second. Raises ModelError or ModelLoadError.

    `is_brief`: see `open_engine`.
    """
    # On this thread: numpy fails when two threads import it at once.
    import assistant.engine.llama.devices  # noqa: F401

    opening = asyncio.get_running_loop().run_in_executor(
        None, partial(open_engine, settings, is_brief=is_brief)
    )
    # LangChain takes half as long to import as the weights to load: meanwhile.
    from assistant.chat.local import LocalChatModel

    return LocalChatModel(
        engine=await opening,
        max_tokens=settings.model.max_answer_tokens,
        temperature=settings.model.temperature,
    )


def open_engine(settings: Settings, *, is_brief: bool = False) -> BatchEngine:
    """Load the local model's engine. Raises ModelError or ModelLoadError.

    `is_brief` is for a process that answers one question: it maps the file, which saves half of
    that second, and keeps a cache for one request. A process that lives on reads the file into
    memory instead: a mapped file that is overwritten in place ends the process.
    """
    path = model_path(settings)
    from assistant.engine.batch import BatchEngine
    from assistant.engine.llama import LlamaModel

    plan = plan_for(settings.model, path, is_brief=is_brief)
    adapters = model_adapters(settings.model, path)
    options = load_options(settings.model, plan, adapters, is_mapped=is_brief)
    signature = file_signature(path)
    snapshots = open_snapshots(settings, path)

    def load() -> LlamaModel:
        if settings.model.gpu_layers == "auto":
            model = load_with_fewer(lambda tried: LlamaModel(path, tried), options)
        else:
            model = LlamaModel(path, options)
        if file_signature(path) != signature:
            # Nobody knows which weights these are, and snapshots would be kept under either name.
            model.close()
            raise ModelLoadError(f"{path} was changed while it was loaded", "try again")
        return model

    return BatchEngine(load, snapshots=snapshots, speculates=settings.model.speculation)


async def open_light_model(settings: Settings) -> LocalChatModel:
    """Load the light model, whose work waits for all other. Raises ModelError, ModelLoadError."""
    light = settings.model_copy(update={"model": light_settings(settings.model)})
    model = await open_local_model(light)
    model.priority = Priority.BACKGROUND
    return model
