from __future__ import annotations

import shutil
import sys
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from assistant import doctor, providers
from assistant.doctor import Check, examine
from assistant.engine.llama import devices as llama_devices
from assistant.engine.llama.devices import Device, GpuSupport
from assistant.errors import SettingsError
from assistant.live import open_runbooks
from assistant.machine import read_machine
from assistant.sessions import open_sessions
from assistant.settings import (
    DataSettings,
    LoadedSettings,
    LogsSettings,
    ModelSettings,
    ServicesSettings,
    Settings,
)

GIB = 1 << 30
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def checks(data_dir: Path, **sections: Any) -> dict[str, Check]:
    """The checks by their names, on a server's model unless told otherwise: that needs no file."""
    served = ModelSettings(provider="openai", name="big", base_url="http://127.0.0.1:1/v1")
    sections = {"model": served, "data": DataSettings(dir=data_dir), **sections}
    loaded = LoadedSettings(Settings(**sections), {}, (Path("/etc/midwatch.toml"),))
    return {check.name: check for check in examine(lambda: loaded)}


def test_sound_installation_passes(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 9 * GIB))
    monkeypatch.setattr("tools.sandbox.problem.sandbox_problem", lambda: None)
    found = checks(data_dir)
    assert {name: check.verdict for name, check in found.items()} == {
        "settings": "ok",
        "llama.cpp": "ok",
        "model": "ok",
        "disk": "ok",
        "threads": "ok",
        "data folder": "ok",
        "runbooks": "warning",
        "sandbox": "ok",
    }
    assert found["settings"].found == "/etc/midwatch.toml"
    assert found["model"].found == "big on http://127.0.0.1:1/v1"
    assert all(bool(check.remedy) == (check.verdict != "ok") for check in found.values())


def test_unusable_settings_are_the_finding() -> None:
    def load() -> LoadedSettings:
        raise SettingsError("unknown key 'x'", "did you mean y?")

    found = {check.name: check for check in examine(load)}
    assert found["settings"] == Check("settings", "failed", "unknown key 'x'", "did you mean y?")
    assert set(found) == {"settings", "llama.cpp"}


def test_missing_model_says_how_to_get_it(data_dir: Path) -> None:
    found = checks(data_dir, model=ModelSettings())
    assert found["model"].verdict == "failed"
    assert "midwatch model pull" in found["model"].remedy


def test_present_model_and_its_memory(
    data_dir: Path, model_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = model_file("qwen2.5-coder-0.5b")
    set_gpus(monkeypatch)
    set_machine(monkeypatch, memory_limit_bytes=None, available_bytes=2 * GIB)
    found = checks(data_dir, model=ModelSettings(name=str(file)))
    assert found["model"].found == f"{file} (0.46 GiB)"
    assert found["memory"] == Check("memory", "ok", "2.0 GiB available, about 1.3 GiB needed")
    set_machine(monkeypatch, memory_limit_bytes=None, available_bytes=1 * GIB)
    memory = checks(data_dir, model=ModelSettings(name=str(file)))["memory"]
    assert memory.verdict == "warning"
    assert "smaller model" in memory.remedy


def test_light_model_and_the_memory_of_both(
    data_dir: Path, local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_gpus(monkeypatch, 22)
    set_machine(monkeypatch, memory_limit_bytes=None, available_bytes=2 * GIB)
    # Of a second model only its weights and its small cache come on top, GPU or not.
    alone = local(gpu_layers=0, cache_tokens=8192)
    both = alone.model_copy(update={"light": alone.name})
    found = checks(data_dir, model=alone)
    assert "light model" not in found
    assert found["memory"].found.endswith("about 1.2 GiB needed")
    found = checks(data_dir, model=both)
    assert found["light model"] == Check("light model", "ok", f"{alone.name} (0.46 GiB)")
    assert found["memory"].found.endswith("about 1.6 GiB needed")
    set_machine(monkeypatch, memory_limit_bytes=None, available_bytes=int(1.5 * GIB))
    assert checks(data_dir, model=alone)["memory"].verdict == "ok"
    assert checks(data_dir, model=both)["memory"].verdict == "warning"


def test_light_model_beside_a_server(data_dir: Path, local: Local) -> None:
    served = local(provider="openai", base_url="http://127.0.0.1:1/v1").model_copy(
        update={"light": local().name}
    )
    found = checks(data_dir, model=served)
    assert found["light model"].verdict == "ok"
    assert found["memory"].found.endswith("about 1.1 GiB needed")
    assert "GPU" not in found


def test_missing_light_model_is_no_failure_of_answers(data_dir: Path, local: Local) -> None:
    found = checks(data_dir, model=local(light="qwen2.5-coder-1.5b"))
    assert found["model"].verdict == "ok"
    assert found["light model"].verdict == "warning"
    assert "midwatch model pull" in found["light model"].remedy


@pytest.fixture
def local(model_file: Callable[[str], Path]) -> Callable[..., ModelSettings]:
    """Settings of a local model."""
    return lambda **keys: ModelSettings(name=str(model_file("qwen2.5-coder-0.5b")), **keys)


def set_gpus(monkeypatch: pytest.MonkeyPatch, *free_gib: int) -> None:
    """GPUs with so much free memory each, and a llama.cpp that is built for them."""
    devices = tuple(
        Device(f"CUDA{n}", "NVIDIA L4", free * GIB, 24 * GIB) for n, free in enumerate(free_gib)
    )
    support = GpuSupport(("CUDA",), devices) if devices else GpuSupport()
    monkeypatch.setattr(llama_devices, "read_gpus", lambda: support)


def set_machine(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    machine = replace(read_machine(), **changes)
    for reader in (doctor, providers):
        monkeypatch.setattr(reader, "read_machine", lambda: machine)


Local = Callable[..., ModelSettings]


def test_without_a_gpu_all_is_well(
    data_dir: Path, local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_gpus(monkeypatch)
    set_machine(monkeypatch, gpu_drivers=())
    check = checks(data_dir, model=local())["GPU"]
    assert check == Check("GPU", "ok", "none: llama-cpp-python is built without GPU support")


def test_layers_on_a_gpu(data_dir: Path, local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    set_gpus(monkeypatch, 22)
    check = checks(data_dir, model=local())["GPU"]
    why = "25 of 25 layers fit into 22.0 GiB of free memory"
    assert check == Check("GPU", "ok", f"25 layers on CUDA0 (NVIDIA L4): {why}")
    check = checks(data_dir, model=local(gpu_layers=7))["GPU"]
    assert check.found == "7 layers on CUDA0 (NVIDIA L4): as set"


def test_layers_on_several_gpus(
    data_dir: Path, local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_gpus(monkeypatch, 7, 3)
    found = checks(data_dir, model=local())["GPU"].found
    assert "on CUDA0 (NVIDIA L4), CUDA1 (NVIDIA L4), split 0.75:0.25: 25 of 25" in found


@pytest.mark.parametrize(
    ("driver", "flag"), [("NVIDIA", "-DGGML_CUDA=on"), ("AMD", "-DGGML_HIP=on")]
)
def test_gpu_that_llama_cpp_is_not_built_for(
    data_dir: Path, local: Local, monkeypatch: pytest.MonkeyPatch, driver: str, flag: str
) -> None:
    set_gpus(monkeypatch)
    set_machine(monkeypatch, gpu_drivers=(driver,))
    check = checks(data_dir, model=local())["GPU"]
    assert check.verdict == "warning"
    assert driver in check.remedy
    assert f"CMAKE_ARGS={flag}" in check.remedy
    # Whoever has said that none is wanted is not told again.
    assert checks(data_dir, model=local(gpu_layers=0))["GPU"].verdict == "ok"


def test_gpu_that_llama_cpp_is_built_for_and_does_not_find(
    data_dir: Path, local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llama_devices, "read_gpus", lambda: GpuSupport(("CUDA",)))
    set_machine(monkeypatch, gpu_drivers=("NVIDIA",))
    check = checks(data_dir, model=local())["GPU"]
    said = "none: llama-cpp-python is built for CUDA and finds no GPU"
    assert (check.verdict, check.found) == ("warning", said)
    assert "CMAKE_ARGS" not in check.remedy
    assert "check its driver" in check.remedy


def test_layers_for_a_gpu_that_is_not_there(
    data_dir: Path, local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_gpus(monkeypatch)
    set_machine(monkeypatch, gpu_drivers=())
    check = checks(data_dir, model=local(gpu_layers=20))["GPU"]
    assert check.verdict == "warning"
    assert "gpu_layers = 20 has no effect" in check.remedy


def test_cache_in_tokens_and_in_bytes(
    data_dir: Path, local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_gpus(monkeypatch)
    model = local(context_tokens=2048, cache_tokens=4096, flash_attention=False)
    found = checks(data_dir, model=model)["KV cache"]
    assert found == Check(
        "KV cache", "ok", "4,096 tokens (as set), f16, 48 MiB; flash attention off"
    )
    found = checks(data_dir, model=local(kv_type="q8_0", cache_tokens=32768))["KV cache"]
    assert "q8_0, 204 MiB; flash attention on" in found.found


def test_memory_of_a_container(
    data_dir: Path, local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_gpus(monkeypatch)
    set_machine(monkeypatch, memory_limit_bytes=2 * GIB, available_bytes=1 * GIB)
    check = checks(data_dir, model=local(cache_tokens=8192))["memory"]
    said = "1.0 GiB available of the container's 2.0 GiB, about 1.2 GiB needed"
    assert (check.verdict, check.found) == ("warning", said)


def test_threads_of_a_container(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cores = {"num_cores": 8, "num_usable_cores": 8, "num_fast_cores": 8}
    set_machine(monkeypatch, **cores, num_usable_processors=16, cpu_limit=1.5)
    said = "2 for the model (8 of 8 cores; the container's limit is 1.5 CPUs)"
    assert checks(data_dir)["threads"] == Check("threads", "ok", said)


def test_llama_cpp_that_is_installed_and_cannot_be_loaded(
    data_dir: Path, local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "assistant.engine.llama", None)
    found = checks(data_dir, model=local())
    assert found["llama.cpp"].verdict == "failed"
    assert "cannot be loaded" in found["llama.cpp"].found
    assert "pip install" in found["llama.cpp"].remedy
    assert found["model"].verdict == "ok"
    assert "GPU" not in found


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (ModelSettings(provider="openai"), "base_url"),
        (ModelSettings(provider="openai", base_url="http://x/v1", api_key_env="NO_KEY"), "NO_KEY"),
    ],
)
def test_incomplete_server_says_what_is_missing(
    data_dir: Path, model: ModelSettings, said: str
) -> None:
    check = checks(data_dir, model=model)["model"]
    assert check.verdict == "failed"
    assert said in check.remedy


def test_key_is_not_shown(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "sk-secret")
    model = ModelSettings(provider="openai", base_url="http://x/v1", api_key_env="SHOP_KEY")
    found = checks(data_dir, model=model)
    assert found["model"].verdict == "ok"
    assert "sk-secret" not in str(found)


def test_more_threads_than_processors(data_dir: Path) -> None:
    check = checks(data_dir, model=ModelSettings(provider="openai", base_url="x", threads=999))
    assert check["threads"].verdict == "warning"
    assert "999" in check["threads"].found


def test_little_disk(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def usage(path: Path) -> Usage:
        asked.append(path)
        return Usage(0, 0, 2 * GIB)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    check = checks(data_dir / "not" / "there" / "yet")["disk"]
    assert check.verdict == "warning"
    assert "2.0 GiB free" in check.found
    assert asked == [data_dir.parent]


def test_data_folder_that_cannot_be_made(data_dir: Path) -> None:
    data_dir.write_text("a file")
    check = checks(data_dir / "below")["data folder"]
    assert check.verdict == "failed"
    assert "cannot be written: Not a directory" in check.found
    assert "[data] dir" in check.remedy


def test_writing_is_tried_and_leaves_nothing(data_dir: Path) -> None:
    checks(data_dir)
    assert list(data_dir.iterdir()) == []


async def test_sound_sessions_pass_and_damaged_ones_are_found(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_sessions(data_dir):
        pass
    assert checks(data_dir)["data folder"].verdict == "ok"
    monkeypatch.chdir(data_dir.parent)
    assert checks(Path("data"))["data folder"].verdict == "ok"
    (data_dir / "sessions.db").write_bytes(b"not a database\n" * 100)
    check = checks(data_dir)["data folder"]
    assert check.verdict == "failed"
    assert "not a database" in check.found
    assert "restore or remove" in check.remedy


def test_runbooks_are_counted_and_searched(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "pool.md").write_text("# Pool\n\nThe pool is exhausted.\n")
    with open_runbooks(Settings(data=DataSettings(dir=data_dir))) as runbooks:
        runbooks.ingest([tmp_path / "books"])
    check = checks(data_dir)["runbooks"]
    assert (check.verdict, check.found) == ("ok", "1 documents, 1 passages, search works")
    (data_dir / "knowledge" / "catalog.sqlite3").write_bytes(b"not a database\n" * 100)
    check = checks(data_dir)["runbooks"]
    assert check.verdict == "failed"
    assert check.remedy


def test_logs_that_are_there_and_not(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "a.log").touch()
    sources = {
        "good": (str(tmp_path / "a.log"),),
        "gone": (str(tmp_path / "a.log"), str(tmp_path / "gone.log")),
        "none": (str(tmp_path / "*.nothing"),),
    }
    found = checks(data_dir, logs=LogsSettings(sources=sources))
    assert found["log good"] == Check("log good", "ok", "1 files")
    assert found["log gone"].verdict == "warning"
    assert "gone.log cannot be read" in found["log gone"].found
    assert found["log none"].found == "no file matches"


def test_service_manager_that_does_not_answer(data_dir: Path, tmp_path: Path) -> None:
    services = ServicesSettings(supervisor=SecretStr(f"unix://{tmp_path}/none.sock"))
    check = checks(data_dir, services=services)["services"]
    assert check.verdict == "failed"
    assert "none.sock" in check.found
    assert check.remedy


def test_engine_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    def version(_: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr(doctor, "version", version)
    monkeypatch.setattr(shutil, "which", lambda _, **__: None)
    assert checks(data_dir)["llama.cpp"].remedy == "install g++"
    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/usr/bin/{name}")
    assert "pip install" in checks(data_dir)["llama.cpp"].remedy
