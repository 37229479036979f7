"""Plans for machines that nobody has at hand, on tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assistant.engine.llama.devices import Device, GpuSupport
from assistant.load_plan import Decision, LoadPlan, choose_threads, host_bytes, plan_load
from assistant.machine import Machine
from assistant.models.shape import ModelShape
from assistant.settings import ModelSettings

MIB = 1 << 20
GIB = 1 << 30
# 2 GiB of layers, and 1 MiB of cache for 16 tokens: 512 MiB for a context of 8,192.
SHAPE = ModelShape(
    input_bytes=300 * MIB,
    layer_bytes=[64 * MIB] * 32,
    output_bytes=400 * MIB,
    kv_values=[1024] * 32,
)
CELL_BYTES = 64 << 10
MACHINE = Machine(
    num_cores=8,
    num_usable_cores=8,
    num_fast_cores=8,
    num_usable_processors=16,
    cpu_limit=None,
    memory_limit_bytes=None,
    available_bytes=64 * GIB,
)


def gpu(free_gib: float, name: str = "CUDA0") -> Device:
    return Device(name, "a GPU", int(free_gib * GIB), int(free_gib * GIB))


def plan(
    *free_gib: float, machine: Machine = MACHINE, is_brief: bool = False, **settings: Any
) -> LoadPlan:
    """The plan on a machine with GPUs of so much free memory each."""
    devices = tuple(gpu(free, f"CUDA{n}") for n, free in enumerate(free_gib))
    support = GpuSupport(("CUDA",), devices) if devices else GpuSupport()
    return plan_load(ModelSettings(**settings), SHAPE, machine, support, is_brief=is_brief)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Decision(8, "8 of 8 cores")),
        ({"num_usable_cores": 3, "num_fast_cores": 3}, Decision(3, "3 of 8 cores")),
        ({"num_fast_cores": 2}, Decision(2, "2 performance cores of 8 cores")),
        ({"cpu_limit": 16.0}, Decision(8, "8 of 8 cores; the container's limit is 16 CPUs")),
        ({"cpu_limit": 3.0}, Decision(3, "8 of 8 cores; the container's limit is 3 CPUs")),
        ({"cpu_limit": 1.5}, Decision(2, "8 of 8 cores; the container's limit is 1.5 CPUs")),
        ({"cpu_limit": 1.2}, Decision(1, "8 of 8 cores; the container's limit is 1.2 CPUs")),
        ({"cpu_limit": 0.1}, Decision(1, "8 of 8 cores; the container's limit is 0.1 CPUs")),
    ],
)
def test_threads_are_cores_within_the_limit(changes: dict[str, Any], expected: Decision) -> None:
    assert choose_threads("auto", replace(MACHINE, **changes)) == expected


def test_threads_as_set_are_kept() -> None:
    machine = replace(MACHINE, num_usable_cores=4, cpu_limit=1.0)
    assert choose_threads(12, machine) == Decision(12, "as set; 4 of 8 cores can be used")


def test_without_a_gpu_everything_is_in_memory() -> None:
    found = plan()
    assert found.gpu_layers == Decision(0, "llama-cpp-python is built without GPU support")
    assert found.tensor_split == ()
    assert found.cache_tokens == Decision(16384, "2 times the context")
    assert found.cache_bytes == 16384 * CELL_BYTES == GIB
    assert 2700 * MIB + GIB < found.host_bytes < 2700 * MIB + 2 * GIB


def test_gpu_that_llama_cpp_does_not_find() -> None:
    found = plan_load(ModelSettings(), SHAPE, MACHINE, GpuSupport(("CUDA",)))
    reason = "llama-cpp-python is built for CUDA and finds no GPU"
    assert found.gpu_layers == Decision(0, reason)


def test_all_layers_and_a_large_cache_go_to_a_large_gpu() -> None:
    found = plan(24)
    assert found.gpu_layers == Decision(33, "33 of 33 layers fit into 24.0 GiB of free memory")
    assert found.cache_tokens == Decision(32768, "4 times the context")
    # The input stays with the processor; weights and cache do not.
    assert found.host_bytes < GIB


@pytest.mark.parametrize(
    ("free_gib", "layers"),
    [
        # 1 GiB is kept free. All layers, the output and one context take 2,960 MiB.
        (1 + 2960 / 1024, 33),
        (1 + 2959 / 1024, 31),
        # A layer takes 80 MiB with its cache, and the output 400.
        (1 + 480 / 1024, 1),
        (1 + 1200 / 1024, 10),
        (1 + 479 / 1024, 0),
        (0.5, 0),
        (0, 0),
    ],
)
def test_as_many_layers_as_fit(free_gib: float, layers: int) -> None:
    found = plan(free_gib)
    assert found.gpu_layers.value == layers
    assert f"{layers} of 33 layers fit" in found.gpu_layers.reason


def test_no_plan_takes_more_of_a_gpu_than_is_free() -> None:
    for free_mib in range(0, 8 * 1024, 53):
        found = plan(free_mib / 1024)
        layers = found.gpu_layers.value
        cells = found.cache_tokens.value * CELL_BYTES // 32
        taken = min(layers, 32) * (64 * MIB + cells) + (400 * MIB if layers else 0)
        assert taken <= max(0, free_mib * MIB - GIB), found


def test_layers_left_out_are_in_memory() -> None:
    none, some = plan(0.5, cache_tokens=8192), plan(1 + 1200 / 1024, cache_tokens=8192)
    assert none.host_bytes - some.host_bytes == 10 * 80 * MIB


def test_a_gpu_that_holds_some_layers_has_no_room_for_a_larger_cache() -> None:
    found = plan(1 + 1200 / 1024)
    assert found.cache_tokens == Decision(8192, "one context, so that more layers fit")


def test_a_cache_that_is_set_counts_before_layers() -> None:
    assert plan(3.9, cache_tokens=8192).gpu_layers.value == 33
    found = plan(3.9, cache_tokens=65536)
    assert 0 < found.gpu_layers.value < 33
    assert found.cache_tokens == Decision(65536, "as set")


def test_q8_0_takes_about_half() -> None:
    assert plan(kv_type="q8_0").cache_bytes == plan().cache_bytes * 34 // 64
    assert plan(3.6).gpu_layers.value < plan(3.7, kv_type="q8_0").gpu_layers.value == 33


def test_several_gpus_share_by_free_memory() -> None:
    found = plan(7, 3)
    assert found.tensor_split == (0.75, 0.25)
    assert found.gpu_layers.value == 33
    assert plan(7, 1, 0.5).tensor_split == (1.0, 0.0, 0.0)
    assert plan(1, 0.5).tensor_split == ()


def test_a_further_gpu_may_end_with_room_for_most_of_a_layer() -> None:
    room_gib = 2960 / 1024
    assert plan(1 + room_gib).gpu_layers.value == 33
    assert plan(1 + room_gib / 2, 1 + room_gib / 2).gpu_layers.value < 33
    assert plan(1.1 + room_gib / 2, 1.1 + room_gib / 2).gpu_layers.value == 33


@pytest.mark.parametrize(
    ("split", "layers"),
    [
        # The second one has room for 1 GiB, so half of the model is too much for it.
        ((1, 1), 19),
        ((9, 1), 33),
        # Shares of GPUs that are not there count for nothing; a GPU without a share gets no layer.
        ((1, 1, 50), 19),
        ((1,), 33),
    ],
)
def test_split_as_set_limits_what_fits(split: tuple[float, ...], layers: int) -> None:
    found = plan(24, 2, tensor_split=split)
    assert found.tensor_split == split
    assert found.gpu_layers.value == layers


def test_layers_as_set_are_kept() -> None:
    assert plan(2, gpu_layers=20).gpu_layers == Decision(20, "as set")
    assert plan(24, gpu_layers=999).host_bytes == plan(24).host_bytes
    assert plan(24, gpu_layers=0).gpu_layers == Decision(0, "as set")
    nothing = plan(gpu_layers=20)
    assert nothing.gpu_layers == Decision(20, "llama-cpp-python is built without GPU support")
    assert nothing.host_bytes == plan().host_bytes


def test_a_split_without_gpus_is_passed_on() -> None:
    assert plan(tensor_split=(1, 2)).tensor_split == (1, 2)


@pytest.mark.parametrize(
    ("available_gib", "tokens"), [(64, 16384), (7, 15104), (5, 8192), (1, 8192), (0, 8192)]
)
def test_cache_is_what_the_memory_allows_and_never_less_than_a_context(
    available_gib: int, tokens: int
) -> None:
    found = plan(machine=replace(MACHINE, available_bytes=available_gib * GIB))
    assert found.cache_tokens.value == tokens
    assert tokens % 256 == 0


def test_one_question_needs_one_context() -> None:
    assert plan(is_brief=True).cache_tokens == Decision(8192, "one request at a time")
    assert plan(24, is_brief=True, context_tokens=2048).cache_tokens.value == 2048
    assert plan(is_brief=True, cache_tokens=9000).cache_tokens == Decision(9000, "as set")


def test_program_counts_once_however_many_models_it_loads() -> None:
    one, other = plan(), plan(context_tokens=2048, cache_tokens=2048)
    assert host_bytes([one]) == one.host_bytes
    both = host_bytes([one, other])
    assert both > max(one.host_bytes, other.host_bytes)
    assert both == one.host_bytes + other.host_bytes - host_bytes([])


def test_model_without_a_cache_or_layers() -> None:
    shape = ModelShape(0, [], 0, [])
    found = plan_load(ModelSettings(), shape, MACHINE, GpuSupport(("CUDA",), (gpu(24),)))
    assert found.cache_bytes == 0
    assert found.gpu_layers.value == 1
