from __future__ import annotations

import llama_cpp.llama_cpp as api
import pytest

from assistant.engine.llama.devices import (
    GPU,
    INTEGRATED_GPU,
    PROCESSOR,
    Device,
    all_devices,
    read_gpus,
    used_for_layers,
)

ACCELERATOR = 3


def device(name: str) -> Device:
    return Device(name, "", 1, 1)


@pytest.mark.parametrize(
    ("kinds", "used"),
    [
        ([PROCESSOR], []),
        ([ACCELERATOR, PROCESSOR], []),
        ([GPU, GPU, PROCESSOR], [0, 1]),
        ([INTEGRATED_GPU, GPU, PROCESSOR], [1]),
        ([INTEGRATED_GPU, INTEGRATED_GPU, PROCESSOR], [0]),
    ],
)
def test_layers_go_to_gpus_and_to_an_integrated_one_for_want_of_others(
    kinds: list[int], used: list[int]
) -> None:
    devices = [(kind, device(str(n))) for n, kind in enumerate(kinds)]
    assert [gpu.name for gpu in used_for_layers(devices)] == [str(n) for n in used]


def test_the_real_library_is_asked() -> None:
    support = read_gpus()
    assert bool(support.devices) == api.llama_supports_gpu_offload()
    assert "CPU" not in support.backends
    assert all(0 <= gpu.free_bytes <= gpu.total_bytes for gpu in support.devices)


def test_the_processor_is_described_in_every_build() -> None:
    (found,) = [device for kind, device in all_devices() if kind == PROCESSOR]
    assert found.name == "CPU"
    assert found.description
    assert 0 < found.free_bytes <= found.total_bytes
