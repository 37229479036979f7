"""What the tests of sessions and approvals share: the places where these can be kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.assistant.places import FilePlace, Place, PostgresPlace
from tests.assistant.postgres.server import PostgresServer, programs

_IN_MEMORY = Path("/dev/shm")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL for the whole run, where it is installed."""
    installed = programs()
    if installed is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    # Short: the path of a socket has to fit into 107 bytes.
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(Path(folder), installed)
        try:
            yield server
        finally:
            server.close()


@pytest.fixture
def postgres_place(tmp_path: Path, postgres_server: PostgresServer) -> PostgresPlace:
    """A place in PostgreSQL."""
    return PostgresPlace(tmp_path, postgres_server)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each of the places, one after the other."""
    return _place(request, tmp_path)


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


@pytest.fixture(params=["sqlite", "postgres"])
def quick_place(request: pytest.FixtureRequest, quick_folder: Path) -> Place:
    """Each of the places, for thousands of writes."""
    return _place(request, quick_folder)


def _place(request: pytest.FixtureRequest, folder: Path) -> Place:
    if request.param == "sqlite":
        return FilePlace(folder)
    return PostgresPlace(folder, request.getfixturevalue("postgres_server"))
