from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.host.recorded import Recorded, RecordedSystem


@pytest.fixture
def machine(tmp_path: Path) -> Recorded:
    return Recorded(RecordedSystem(), tmp_path / "root")
