from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.probes.servers import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def no_hosts(tmp_path: Path) -> Path:
    """A hosts file without hosts."""
    return tmp_path / "no-hosts"
