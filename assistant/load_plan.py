"""How a model is to be loaded, and why: decided from the settings, the model and the machine.

Everything here is computed from descriptions, so that machines nobody has at hand can be tried.
Reading the machine and loading the model is left to `providers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from assistant.engine.load import KvType
from assistant.machine import Machine
from assistant.models.shape import ModelShape
from assistant.settings import ModelSettings

if TYPE_CHECKING:
    from assistant.engine.llama.devices import Device, GpuSupport

_GIB = 1 << 30
# What llama.cpp allocates on a GPU besides weights and cache: its own context, room to compute.
_GPU_MARGIN_BYTES = 1 * _GIB
# Python with its libraries, the embedding model, and llama.cpp's room to compute.
_PROGRAM_BYTES = 640 << 20
# The cache in contexts. A processor looks at every cell in use, whoever holds it: behind 32,000 of
# them a prompt takes 1.4 times as long as alone on a 1.5B model, and 2.4 times on a 0.5B.
_CONTEXTS_ON_PROCESSOR = 2
_CONTEXTS_ON_GPU = 4
# The share of the free memory that the cache may take beyond one context.
_CACHE_SHARE = 4
_CELL_STEP = 256


@dataclass(frozen=True, slots=True)
class Decision:
    """A number, and a phrase that says how it came about."""

    value: int
    reason: str


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """How a model is to be loaded, and what it takes.

    `cache_bytes` is the whole KV cache, wherever it lies; `host_bytes` is the memory that the
    process takes of the machine, without that of GPUs.
    """

    threads: Decision
    gpus: GpuSupport
    gpu_layers: Decision
    tensor_split: tuple[float, ...]
    cache_tokens: Decision
    cache_bytes: int
    host_bytes: int


def host_bytes(plans: Sequence[LoadPlan]) -> int:
    """What one process takes of the machine with all of the models loaded."""
    return sum(plan.host_bytes - _PROGRAM_BYTES for plan in plans) + _PROGRAM_BYTES


def plan_load(
    settings: ModelSettings,
    shape: ModelShape,
    machine: Machine,
    gpus: GpuSupport,
    *,
    is_brief: bool = False,
) -> LoadPlan:
    """The plan for a model of `shape`; `is_brief`: in a process that answers one question."""
    needs = _Needs(shape, settings.kv_type)
    split = settings.tensor_split or _split_by_memory(gpus.devices)
    room = _gpu_room(gpus.devices, split)
    layers = _choose_layers(settings, needs, gpus, room)
    placed = min(layers.value, shape.num_placed_layers) if gpus.devices else 0
    if settings.cache_tokens != "auto":
        cache = Decision(settings.cache_tokens, "as set")
    elif is_brief:
        cache = Decision(settings.context_tokens, "one request at a time")
    elif 0 < placed < shape.num_placed_layers:
        cache = Decision(settings.context_tokens, "one context, so that more layers fit")
    elif placed:
        cache = _choose_cache(settings, needs, _CONTEXTS_ON_GPU, room - needs.on_gpu(placed, 0))
    else:
        spare = machine.available_bytes - needs.on_host(placed, 0)
        cache = _choose_cache(settings, needs, _CONTEXTS_ON_PROCESSOR, spare)
    return LoadPlan(
        threads=choose_threads(settings.threads, machine),
        gpus=gpus,
        gpu_layers=layers,
        tensor_split=split,
        cache_tokens=cache,
        cache_bytes=needs.cache_bytes(cache.value),
        host_bytes=needs.on_host(placed, cache.value),
    )


def choose_threads(setting: int | Literal["auto"], machine: Machine) -> Decision:
    """One thread for each core that this process may use, within the limit on processor time.

    Two hardware threads of a core share the units that a model's arithmetic needs. A limit between
    two whole numbers is rounded: half a processor more is worth a thread, a fifth is not.
    """
    cores = f"{machine.num_usable_cores} of {machine.num_cores} cores"
    if setting != "auto":
        return Decision(setting, f"as set; {cores} can be used")
    if machine.num_fast_cores < machine.num_usable_cores:
        cores = f"{machine.num_fast_cores} performance cores of {machine.num_cores} cores"
    if machine.cpu_limit is None:
        return Decision(max(1, machine.num_fast_cores), cores)
    within_limit = int(machine.cpu_limit + 0.5)
    return Decision(
        max(1, min(machine.num_fast_cores, within_limit)),
        f"{cores}; the container's limit is {machine.cpu_limit:g} CPUs",
    )


@dataclass(frozen=True, slots=True)
class _Needs:
    """The memory that parts of a model take, with caches of `kv_type`."""

    shape: ModelShape
    kv_type: KvType

    def cache_bytes(self, num_tokens: int) -> int:
        """The cache of all layers."""
        return num_tokens * sum(map(self._cell_bytes, self.shape.kv_values))

    def largest_layer_bytes(self, num_tokens: int) -> int:
        """The weights and the cache of the layer that takes most."""
        cells = (num_tokens * self._cell_bytes(values) for values in self.shape.kv_values)
        layers = zip(self.shape.layer_bytes, cells, strict=True)
        return max((weights + cache for weights, cache in layers), default=0)

    def on_gpu(self, num_placed: int, num_tokens: int) -> int:
        """What `num_placed` layers take at most; the output counts as one of them."""
        if num_placed >= self.shape.num_placed_layers:
            weights = sum(self.shape.layer_bytes) + self.shape.output_bytes
            return weights + self.cache_bytes(num_tokens)
        if num_placed == 0:
            return 0
        # Which of them comes with the output has changed between versions of llama.cpp.
        return self.shape.output_bytes + num_placed * self.largest_layer_bytes(num_tokens)

    def on_host(self, num_placed: int, num_tokens: int) -> int:
        """What the process takes when the last `num_placed` layers are on GPUs."""
        kept = max(0, self.shape.num_layers - num_placed)
        output = self.shape.output_bytes if num_placed < self.shape.num_placed_layers else 0
        cells = sum(map(self._cell_bytes, self.shape.kv_values[:kept]))
        weights = self.shape.input_bytes + sum(self.shape.layer_bytes[:kept]) + output
        return _PROGRAM_BYTES + weights + num_tokens * cells

    def _cell_bytes(self, values: int) -> int:
        # q8_0 keeps 32 numbers in 34 bytes.
        return values * 34 // 32 if self.kv_type == "q8_0" else values * 2


def _choose_layers(settings: ModelSettings, needs: _Needs, gpus: GpuSupport, room: int) -> Decision:
    """As many layers as fit into `room` bytes of the GPUs with the least cache allowed."""
    total = needs.shape.num_placed_layers
    if settings.gpu_layers != "auto":
        return Decision(settings.gpu_layers, "as set" if gpus.devices else _why_none(gpus))
    if not gpus.devices:
        return Decision(0, _why_none(gpus))
    tokens = settings.context_tokens if settings.cache_tokens == "auto" else settings.cache_tokens
    # Layers are not cut: each further GPU may end with room for most of one.
    room -= (len(gpus.devices) - 1) * needs.largest_layer_bytes(tokens)
    fitting = next((n for n in range(total, 0, -1) if needs.on_gpu(n, tokens) <= room), 0)
    free = sum(device.free_bytes for device in gpus.devices) / _GIB
    return Decision(fitting, f"{fitting} of {total} layers fit into {free:.1f} GiB of free memory")


def _why_none(gpus: GpuSupport) -> str:
    if not gpus.backends:
        return "llama-cpp-python is built without GPU support"
    return f"llama-cpp-python is built for {', '.join(gpus.backends)} and finds no GPU"


def _gpu_room(devices: Sequence[Device], split: Sequence[float]) -> int:
    """Bytes for weights and cache on all GPUs together, where `split` is each one's share."""
    free = [max(0, device.free_bytes - _GPU_MARGIN_BYTES) for device in devices]
    if not split:
        return sum(free)
    shares = split[: len(free)]
    full = (room / share for room, share in zip(free, shares, strict=False) if share)
    return int(min(full, default=0.0) * sum(shares))


def _split_by_memory(devices: Sequence[Device]) -> tuple[float, ...]:
    """Shares by free memory; empty where there is nothing to share out."""
    free = [max(0, device.free_bytes - _GPU_MARGIN_BYTES) for device in devices]
    if len(free) < 2 or not any(free):
        return ()
    return tuple(round(room / sum(free), 3) for room in free)


def _choose_cache(
    settings: ModelSettings, needs: _Needs, contexts: int, spare_bytes: int
) -> Decision:
    """As many cells as `contexts` take, unless that is too much of the `spare_bytes` left."""
    wanted = contexts * settings.context_tokens
    cells = spare_bytes // _CACHE_SHARE // max(1, needs.cache_bytes(1))
    affordable = cells // _CELL_STEP * _CELL_STEP
    if affordable >= wanted:
        return Decision(wanted, f"{contexts} times the context")
    if affordable > settings.context_tokens:
        return Decision(affordable, "what a quarter of the free memory holds")
    return Decision(settings.context_tokens, "one context, because little memory is free")
