import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.assistant.cli.program import LIGHT_MODEL, Ran

Midwatch = Callable[..., Ran]


def checks(ran: Ran) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in json.loads(ran.out)["checks"]}


@pytest.mark.model
def test_a_machine_without_trouble(
    midwatch: Midwatch, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIDWATCH_MODEL_DIR", str(models_dir))
    ran = midwatch("--model", LIGHT_MODEL, "doctor", "--json")
    assert ran.status == 0
    assert json.loads(ran.out)["is_ok"] is True
    found = checks(ran)
    assert found.keys() >= {"settings", "llama.cpp", "model", "disk", "threads", "data folder"}
    assert found["model"]["verdict"] == "ok"
    assert found["runbooks"]["remedy"] == "run: midwatch ingest FOLDER"


def test_each_trouble_has_a_remedy_and_the_status_says_so(
    midwatch: Midwatch, tmp_path: Path, settings_file: Callable[[str], Path]
) -> None:
    (tmp_path / "file").touch()
    settings_file(
        '[model]\nthreads = 4096\n[logs.sources]\ngone = "/nowhere/*.log"\n'
        '[services]\nsupervisor = "unix:///nowhere.sock"\n'
    )
    flags = ("--model", "/nowhere/x.gguf", "--data-dir", tmp_path / "file" / "below")
    ran = midwatch(*flags, "doctor", "--json")
    assert ran.status == 1
    assert json.loads(ran.out)["is_ok"] is False
    found = checks(ran)
    verdicts = {name: check["verdict"] for name, check in found.items()}
    assert {name for name, verdict in verdicts.items() if verdict == "failed"} == {
        "model",
        "data folder",
        "services",
    }
    assert verdicts["threads"] == verdicts["log gone"] == "warning"
    assert all(check["remedy"] for check in found.values() if check["verdict"] != "ok")


def test_a_person_reads_marks_and_remedies(midwatch: Midwatch) -> None:
    ran = midwatch("--model", "/nowhere/\x1b[2Jx.gguf", "doctor")
    assert (ran.status, ran.err) == (1, "")
    lines = ran.out.splitlines()
    assert "ok settings: defaults only" in lines
    at = next(n for n, line in enumerate(lines) if line.startswith("XX model: "))
    assert "/nowhere/\\x1b[2Jx.gguf" in lines[at]
    assert lines[at + 1].startswith("   give a path")


def test_settings_that_cannot_be_read_are_a_finding(
    midwatch: Midwatch, settings_file: Callable[[str], Path]
) -> None:
    settings_file("[model]\nnmae = 1\n")
    ran = midwatch("doctor", "--json")
    assert ran.status == 1
    settings = checks(ran)["settings"]
    assert settings["verdict"] == "failed"
    assert "'nmae'" in settings["found"]
    assert settings["remedy"] == "did you mean name?"


@pytest.mark.parametrize("folder", ["data", "{}/data"], ids=["relative", "absolute"])
def test_a_damaged_database_is_found(folder: str, midwatch: Midwatch, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sessions.db").write_bytes(b"no database " * 100)
    ran = midwatch("--data-dir", folder.format(tmp_path), "doctor", "--json")
    assert ran.status == 1
    data = checks(ran)["data folder"]
    assert "file is not a database" in data["found"]
    assert data["remedy"]
