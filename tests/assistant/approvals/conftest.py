"""What the tests of approvals share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.assistant.approvals.scene import Scene, open_scene

_IN_MEMORY = Path("/dev/shm")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A desk and an executor, where everybody at a terminal may decide."""
    with open_scene(tmp_path) as opened:
        yield opened


@pytest.fixture
def quick_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for thousands of writes: in memory, where there is such a place.

    What a killed process has written is there in either; only a power cut could tell them apart.
    """
    if not _IN_MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=_IN_MEMORY) as folder:
        yield Path(folder)
