"""What all tests share: the real model files, and settings that are nobody's."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs
import pytest

from assistant.models.store import ModelStore

_NOBODY = 65534


def pytest_configure() -> None:
    # A job in the background ignores Ctrl-C, and so would every program that a test starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads the settings of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("MIDWATCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def users_folder() -> Iterator[Path]:
    """A folder of an ordinary user, who the test is meanwhile: root may read and write all."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() != 0:
            yield Path(folder)
            return
        os.chown(folder, _NOBODY, -1)
        os.seteuid(_NOBODY)
        try:
            yield Path(folder)
        finally:
            os.seteuid(0)


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The models folder of whoever runs the tests: `make test` has filled it."""
    return Path(platformdirs.user_data_dir("midwatch")) / "models"


@pytest.fixture(scope="session")
def model_file(models_dir: Path) -> Callable[[str], Path]:
    """The file of a model by its name; missing ones fail the test with what to do."""
    return lambda name: ModelStore(models_dir).resolve(name)
