from __future__ import annotations

from pathlib import Path

import pytest

from assistant.settings import Settings
from tests.assistant.evaluation.suites import Suite, settings_in


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path / "suite")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path / "data")
