from __future__ import annotations

import shutil
from collections import namedtuple
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import SecretStr

from assistant import doctor
from assistant.doctor import Check, examine
from assistant.errors import SettingsError
from assistant.live import open_runbooks
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
Memory = namedtuple("Memory", "available")


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
    found = checks(data_dir)
    assert {name: check.verdict for name, check in found.items()} == {
        "settings": "ok",
        "llama.cpp": "ok",
        "model": "ok",
        "disk": "ok",
        "threads": "ok",
        "data folder": "ok",
        "runbooks": "warning",
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
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(2 * GIB))
    found = checks(data_dir, model=ModelSettings(name=str(file)))
    assert found["model"].found == f"{file} (0.46 GiB)"
    assert found["memory"] == Check("memory", "ok", "2.0 GiB available, about 1.5 GiB needed")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(1 * GIB))
    memory = checks(data_dir, model=ModelSettings(name=str(file)))["memory"]
    assert memory.verdict == "warning"
    assert "smaller model" in memory.remedy


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
    (data_dir / "knowledge" / "documents.sqlite3").write_bytes(b"not a database\n" * 100)
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
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert checks(data_dir)["llama.cpp"].remedy == "install g++"
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert "pip install" in checks(data_dir)["llama.cpp"].remedy
