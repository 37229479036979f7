from pathlib import Path

import pytest

from assistant.benchmark.opening import isolated
from assistant.errors import MidwatchError
from assistant.settings import DataSettings, ModelSettings, Settings


def test_a_benchmark_has_the_models_and_a_data_folder_of_its_own(tmp_path: Path) -> None:
    settings = Settings(data=DataSettings(dir=tmp_path / "users"))
    own = isolated(settings, tmp_path / "own")
    assert own.data.dir == tmp_path / "own"
    assert own.model.dir == tmp_path / "users" / "models"
    assert own.model.name == settings.model.name


def test_a_model_on_a_server_cannot_be_measured(tmp_path: Path) -> None:
    settings = Settings(model=ModelSettings(provider="openai", base_url="http://127.0.0.1/v1"))
    with pytest.raises(MidwatchError, match="only a local model"):
        isolated(settings, tmp_path)
