"""The command line in this process and as a process of its own, and evidence to ask it about."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs
import pytest

from assistant.cli.main import main
from tests.assistant.cli.program import Program, Ran


@pytest.fixture
def program(tmp_path: Path, models_dir: Path) -> Program:
    return Program(tmp_path, models_dir)


@pytest.fixture
def midwatch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Callable[..., Ran]]:
    """Run `main` with arguments in this process, on a data folder of the test's own."""
    environment = dict(os.environ)
    os.environ["MIDWATCH_DATA_DIR"] = str(tmp_path / "data")
    os.environ["MIDWATCH_HOST_LOOK"] = "false"
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> Ran:
        monkeypatch.setattr(sys, "argv", ["midwatch", *map(str, arguments)])
        capsys.readouterr()
        with Path(os.devnull).open() as nothing:
            monkeypatch.setattr(sys, "stdin", nothing)
            with pytest.raises(SystemExit) as left:
                main()
        captured = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Ran(left.value.code, captured.out, captured.err)

    yield run
    os.environ.clear()
    os.environ.update(environment)
    for package in ("assistant", "knowledge", "tools"):
        logging.getLogger(package).setLevel(logging.NOTSET)


@pytest.fixture
def settings_file(tmp_path: Path) -> Callable[[str], Path]:
    """Write the user's own settings file."""

    def write(text: str) -> Path:
        path = tmp_path / "config" / "midwatch" / "midwatch.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def cache_dir() -> Path:
    """The user's own cache: exporting the embedding model is done once for all runs."""
    return Path(platformdirs.user_cache_dir("midwatch"))


@pytest.fixture
def payments_log(tmp_path: Path) -> Path:
    """A log that is well for six minutes and then has no disk left."""
    path = tmp_path / "payments.log"
    path.write_text("".join(payments_lines()), encoding="utf-8")
    return path


@pytest.fixture
def bundle(tmp_path: Path, payments_log: Path) -> Path:
    """A folder with that log and the output of a command."""
    folder = tmp_path / "bundle"
    (folder / "logs").mkdir(parents=True)
    payments_log.rename(folder / "logs" / "payments.log")
    (folder / "df.txt").write_text(
        "Filesystem Size Used Avail Use% Mounted on\n"
        "/dev/sda1 50G 12G 38G 24% /\n"
        "/dev/sdb1 20G 20G 0 100% /var/lib/payments\n",
        encoding="utf-8",
    )
    return folder


def payments_lines() -> Iterator[str]:
    """One line a second; the last forty are the trouble."""
    for second in range(400):
        minute = f"2026-03-01T02:{second // 60:02d}:{second % 60:02d}Z"
        if second < 360:
            yield f"{minute} INFO payments charged order={1000 + second} in {40 + second % 7} ms\n"
        else:
            yield f"{minute} ERROR payments cannot write ledger.db: No space left on device\n"
