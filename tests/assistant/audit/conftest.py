"""A folder in memory where there is one: what a killed process leaves does not depend on a disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.assistant.audit.written import memory_folder


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """As pytest's own, without its waits for the disk at each of some thousand appends."""
    with memory_folder() as folder:
        yield folder
