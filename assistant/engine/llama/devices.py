"""The GPUs that llama.cpp, as it was built here, can compute on."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llama_cpp._ggml import libggml

from assistant.engine.llama.library import initialise

# ggml's `ggml_backend_dev_type`.
PROCESSOR, GPU, INTEGRATED_GPU = 0, 1, 2
_PROCESSOR_BACKEND = "CPU"


@dataclass(frozen=True, slots=True)
class Device:
    """A device: ggml's name of it (`CUDA0`), its maker's, and its memory at this moment."""

    name: str
    description: str
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class GpuSupport:
    """What llama.cpp was built for besides the processor (`CUDA`, `Metal`), and the GPUs it sees.

    `devices` are those that it spreads layers over, in its own order.
    """

    backends: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()


def read_gpus() -> GpuSupport:
    """The GPUs of this machine; the first call starts their drivers, which may take a second."""
    initialise()
    registries = [_registry(index) for index in range(_num_registries())]
    names = [_text(_registry_name(registry)) for registry in registries]
    return GpuSupport(
        backends=tuple(name for name in names if name != _PROCESSOR_BACKEND),
        devices=used_for_layers(all_devices()),
    )


def all_devices() -> list[tuple[int, Device]]:
    """Every device of ggml's with its type; the processor is one of them."""
    initialise()
    devices = [_device(index) for index in range(_num_devices())]
    return [(_device_type(device), _describe(device)) for device in devices]


def used_for_layers(devices: Sequence[tuple[int, Device]]) -> tuple[Device, ...]:
    """Those of all devices, each with its type, that llama.cpp spreads layers over.

    An integrated GPU counts only where there is no other, and then one of them.
    """
    separate = tuple(device for kind, device in devices if kind == GPU)
    integrated = tuple(device for kind, device in devices if kind == INTEGRATED_GPU)
    return separate or integrated[:1]


def _describe(device: int) -> Device:
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    _device_memory(device, ctypes.byref(free), ctypes.byref(total))
    return Device(
        name=_text(_device_name(device)),
        description=_text(_device_description(device)),
        free_bytes=free.value,
        total_bytes=total.value,
    )


def _text(found: bytes | None) -> str:
    return (found or b"").decode(errors="replace")


def _bound(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """A function of the ggml library that llama.cpp has loaded; its binding does not have these."""
    function = libggml[f"ggml_backend_{name}"]
    function.restype, function.argtypes = result, arguments
    return function  # type: ignore[no-any-return]


_SIZE, _POINTER, _TEXT = ctypes.c_size_t, ctypes.c_void_p, ctypes.c_char_p
_SIZE_OUT = ctypes.POINTER(ctypes.c_size_t)
_num_registries = _bound("reg_count", _SIZE)
_registry = _bound("reg_get", _POINTER, _SIZE)
_registry_name = _bound("reg_name", _TEXT, _POINTER)
_num_devices = _bound("dev_count", _SIZE)
_device = _bound("dev_get", _POINTER, _SIZE)
_device_name = _bound("dev_name", _TEXT, _POINTER)
_device_description = _bound("dev_description", _TEXT, _POINTER)
_device_memory = _bound("dev_memory", None, _POINTER, _SIZE_OUT, _SIZE_OUT)
# One byte or four by ggml's version and the compiler; the values are small.
_device_type = _bound("dev_type", ctypes.c_uint8, _POINTER)
