from __future__ import annotations

import re
import tomllib
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import SettingsError
from assistant.settings import (
    LoadedSettings,
    Settings,
    config_files,
    known_keys,
    load_settings,
    reference_toml,
    shown,
    user_config_file,
)

SECRET = "http://ops:hunter2@host:9001"


class Place:
    """A working folder and a user's configuration folder, to load settings in."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "work"
        self.folder.mkdir()
        self.user_file = root / "xdg" / "midwatch" / "midwatch.toml"
        self.user_file.parent.mkdir(parents=True)
        self.named_file = root / "named.toml"
        self.environment = {"XDG_CONFIG_HOME": str(root / "xdg")}

    def load(
        self,
        variables: Mapping[str, str] | None = None,
        *,
        named: bool = False,
        flags: Mapping[str, Any] | None = None,
    ) -> LoadedSettings:
        return load_settings(
            config=self.named_file if named else None,
            flags=flags,
            environment={**self.environment, **(variables or {})},
            folder=self.folder,
        )

    def write(self, text: str) -> Path:
        path = self.folder / "midwatch.toml"
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def failure(place: Place, variables: Mapping[str, str] | None = None) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        place.load(variables)
    return caught.value


def test_without_any_source_everything_is_the_default(place: Place) -> None:
    loaded = place.load()
    assert loaded.settings == Settings()
    assert loaded.origins == {}
    assert loaded.files == ()


def test_each_source_overrides_the_ones_below_it_key_by_key(place: Place) -> None:
    def text(*keys: str, value: str) -> str:
        return "[model]\n" + "".join(f'{key} = "{value}"\n' for key in keys)

    place.user_file.write_text(
        text("name", "base_url", "dir", "api_key_env", value="user") + "gpu_layers = 9\n"
    )
    local = place.write(text("name", "base_url", "dir", "api_key_env", value="local"))
    place.named_file.write_text(text("name", "base_url", "dir", value="named"))
    loaded = place.load(
        {"MIDWATCH_MODEL_NAME": "variable", "MIDWATCH_MODEL_BASE_URL": "variable"},
        named=True,
        flags={"model.name": "flag", "model.dir": None},
    )
    model = loaded.settings.model
    assert model.name == "flag"
    assert model.base_url == "variable"
    assert model.dir == Path("named")
    assert model.api_key_env == "local"
    assert model.gpu_layers == 9
    assert model.temperature == 0.0
    assert loaded.origins == {
        "model.name": "the command line",
        "model.base_url": "the environment",
        "model.dir": str(place.named_file),
        "model.api_key_env": str(local),
        "model.gpu_layers": str(place.user_file),
    }
    assert loaded.files == (place.user_file, local, place.named_file)


def test_variable_names_the_settings_file_and_the_flag_wins_over_it(place: Place) -> None:
    other = place.folder / "other.toml"
    other.write_text('[model]\nname = "other"\n')
    assert place.load({"MIDWATCH_CONFIG": str(other)}).settings.model.name == "other"
    place.named_file.write_text('[model]\nname = "named"\n')
    loaded = place.load({"MIDWATCH_CONFIG": str(other)}, named=True)
    assert loaded.settings.model.name == "named"
    assert other not in loaded.files


def test_empty_variable_names_no_settings_file(place: Place) -> None:
    assert place.load({"MIDWATCH_CONFIG": ""}).settings == Settings()


def test_named_file_that_does_not_exist_is_an_error(place: Place) -> None:
    with pytest.raises(SettingsError, match=r"no settings file .*named\.toml"):
        place.load(named=True)
    missing = str(place.folder / "gone.toml")
    assert "gone.toml" in failure(place, {"MIDWATCH_CONFIG": missing}).message


def test_user_file_follows_xdg() -> None:
    assert user_config_file({"XDG_CONFIG_HOME": "/c"}) == Path("/c/midwatch/midwatch.toml")
    assert user_config_file({}).parts[-2:] == ("midwatch", "midwatch.toml")


def test_files_are_listed_weakest_first_without_being_read(place: Place) -> None:
    place.user_file.write_text("not TOML")
    local = place.write("not TOML")
    found = config_files(config=None, environment=place.environment, folder=place.folder)
    assert found == [place.user_file, local]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[modle]\n", r"unknown section \[modle\] in .*midwatch\.toml", "did you mean model"),
        ("[zzz]\n", r"unknown section \[zzz\]", "known: agent, answers, approvals, audit, data"),
        ('model = "x"\n', r"model in .* must be a section: \[model\]", ""),
        ('[model]\nnmae = "x"\n', r"unknown key 'nmae' in \[model\] of", "did you mean name"),
        (
            "[agent]\nqqq = 1\n",
            r"unknown key 'qqq'",
            "known: instructions, max_drilldowns, strategy",
        ),
        ("[model\n", r"midwatch\.toml is not valid TOML: .*line 1", "correct the line"),
        ("[model]\nname = 1\nname = 2\n", r"not valid TOML: .*line 3", "correct the line"),
    ],
)
def test_what_is_unknown_is_refused_by_name(
    place: Place, text: str, message: str, hint: str
) -> None:
    place.write(text)
    error = failure(place)
    assert re.search(message, error.message)
    assert hint in error.hint


def test_file_that_is_not_utf8_is_refused(place: Place) -> None:
    (place.folder / "midwatch.toml").write_bytes(b'[model]\nname = "\xff"\n')
    assert "is not valid TOML" in failure(place).message


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("MIDWATCH_MODEL_NMAE", "MIDWATCH_MODEL_NAME"),
        ("MIDWATCH_MODEL", "MIDWATCH_MODEL_DIR"),
        ("MIDWATCH_SERVICES_SUPERVISER", "MIDWATCH_SERVICES_SUPERVISOR"),
    ],
)
def test_unknown_variable_is_refused_by_name_without_its_value(
    place: Place, variable: str, meant: str
) -> None:
    error = failure(place, {variable: "hunter2"})
    assert error.message == f"unknown variable {variable}"
    assert error.hint == f"did you mean {meant}?"


def test_variables_of_other_programs_are_left_alone(place: Place) -> None:
    assert place.load({"MIDWATCHMAN": "1", "HOME": "/root"}).settings == Settings()


def test_unknown_flag_is_refused(place: Place) -> None:
    with pytest.raises(SettingsError, match="unknown key 'size' in"):
        place.load(flags={"model.size": 3})


@pytest.mark.parametrize(
    ("section", "line", "parts"),
    [
        ("model", 'threads = "many"', ["model.threads = 'many'", "valid integer"]),
        ("model", "threads = 0", ["model.threads = 0", "greater than or equal to 1"]),
        ("model", 'provider = "cloud"', ["model.provider = 'cloud'", "'local' or 'openai'"]),
        ("model", "context_tokens = 12", ["model.context_tokens = 12", "equal to 1024"]),
        ("model", "name = 7", ["model.name = 7", "valid string"]),
        ("model", "gpu_layers = 1.5", ["model.gpu_layers = 1.5", "valid integer"]),
        ("model", "gpu_layers = -1", ["model.gpu_layers = -1", "equal to 0"]),
        ("model", 'kv_type = "q4_0"', ["model.kv_type = 'q4_0'", "'f16' or 'q8_0'"]),
        ("model", "tensor_split = [1, 0]", ["model.tensor_split = 0", "greater than 0"]),
        ("model", "tensor_split = [nan]", ["model.tensor_split = nan", "finite number"]),
        ("model", f"tensor_split = {[1] * 17}", ["model.tensor_split = [1, 1", "at most 16"]),
        (
            "model",
            "cache_tokens = 4096",
            ["model.cache_tokens = 4096", "at least context_tokens, which is 8192"],
        ),
        (
            "model",
            'flash_attention = false\nkv_type = "q8_0"',
            ["model.flash_attention = False", "must be true, because kv_type is q8_0"],
        ),
        ("model", 'adapters = ["a=x"]', ["model.adapters = 'a=x'", '"path.gguf=0.5"']),
        ("model", "adapters = [1]", ["model.adapters = 1", "valid string"]),
        ("knowledge", "min_score = 2", ["knowledge.min_score = 2", "less than or equal to 1"]),
        ("knowledge", 'chroma_url = "host:8000"', ["knowledge.chroma_url", "http://host:8000"]),
        ("knowledge", 'chroma_url = "http://"', ["knowledge.chroma_url", "http://host:8000"]),
        ("knowledge", 'chroma_url = "http://a/?key=1"', ["knowledge.chroma_url", "address alone"]),
        ("logs", 'window = "soon"', ["logs.window = 'soon'", "not a duration", "30m, 2h"]),
        ("logs", "sources = {a = 5}", ["logs.sources.a = 5", "valid tuple"]),
        ("logs", 'sources = "x"', ["logs.sources = 'x'", "valid dictionary"]),
        ("agent", "max_drilldowns = 3", ["agent.max_drilldowns = 3", "equal to 2"]),
        ("data", "dir = 3", ["data.dir = 3", "path"]),
    ],
)
def test_wrong_form_is_refused_with_key_value_source_and_form(
    place: Place, section: str, line: str, parts: list[str]
) -> None:
    path = place.write(f"[{section}]\n{line}\n")
    error = failure(place)
    for part in [*parts, f"in {path}: "]:
        assert part in error.message
    assert error.hint


@pytest.mark.parametrize(
    "lines",
    [
        "cache_tokens = 2048\ncontext_tokens = 2048",
        'cache_tokens = "auto"\ncontext_tokens = 32768',
        'kv_type = "q8_0"\nflash_attention = true',
        'kv_type = "f16"\nflash_attention = false',
        "gpu_layers = 20\ntensor_split = [3, 1.5]",
        'gpu_layers = "auto"\ntensor_split = []',
    ],
)
def test_settings_that_go_together_are_taken(place: Place, lines: str) -> None:
    place.write(f"[model]\n{lines}\n")
    chosen = place.load().settings.model.model_dump()
    for key, value in tomllib.loads(lines).items():
        assert chosen[key] == (tuple(value) if isinstance(value, list) else value)


def test_wrong_variable_is_refused_as_such(place: Place) -> None:
    error = failure(place, {"MIDWATCH_MODEL_TEMPERATURE": "hot"})
    assert error.message.startswith("model.temperature = 'hot' in the environment: ")


def test_variables_are_read_by_the_form_of_their_field(place: Place) -> None:
    settings = place.load(
        {
            "MIDWATCH_MODEL_NAME": "7",
            "MIDWATCH_MODEL_THREADS": "3",
            "MIDWATCH_MODEL_TEMPERATURE": "0.5",
            "MIDWATCH_MODEL_DIR": "",
            "MIDWATCH_LOGS_SOURCES": '{"shop": ["/a.log", "/b.log"], "web": "/w.log"}',
        }
    ).settings
    assert settings.model.name == "7"
    assert settings.model.threads == 3
    assert settings.model.temperature == 0.5
    assert settings.model.dir is None
    assert settings.logs.sources == {"shop": ("/a.log", "/b.log"), "web": ("/w.log",)}


@pytest.mark.parametrize(
    ("line", "adapters"),
    [
        ('adapters = ["~/a.gguf", "b.gguf=0.5"]', ("~/a.gguf", "b.gguf=0.5")),
        ('adapters = "a.gguf=2"', ("a.gguf=2",)),
        ("adapters = []", ()),
    ],
)
def test_adapters_are_a_list_or_one(place: Place, line: str, adapters: tuple[str, ...]) -> None:
    place.write(f"[model]\n{line}\n")
    assert place.load().settings.model.adapters == adapters


def test_home_is_written_as_a_tilde(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/nora")
    place.write('[data]\ndir = "~/watch"\n[model]\ndir = "~/models"\n')
    settings = place.load().settings
    assert settings.data.dir == Path("/home/nora/watch")
    assert settings.model.dir == Path("/home/nora/models")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().model.name = "other"


def test_secrets_are_masked_wherever_settings_are_shown(place: Place) -> None:
    loaded = place.load({"MIDWATCH_SERVICES_SUPERVISOR": SECRET})
    secret = loaded.settings.services.supervisor
    assert secret is not None
    assert secret.get_secret_value() == SECRET
    assert shown(loaded.settings)["services"]["supervisor"] == "**********"
    for text in (repr(loaded), str(loaded.settings), str(shown(loaded.settings))):
        assert "hunter2" not in text


def test_secret_of_the_wrong_form_is_in_no_message_and_no_traceback(place: Place) -> None:
    place.write(f'[services]\nsupervisor = ["{SECRET}"]\n')
    error = failure(place)
    assert error.message.startswith("services.supervisor = (hidden) in ")
    trace = "".join(traceback.format_exception(error))
    assert "ValidationError" in trace
    assert "hunter2" not in trace


def test_shown_settings_are_plain_values() -> None:
    values = shown(Settings())
    assert values["model"]["threads"] == "auto"
    assert isinstance(values["data"]["dir"], str)


def test_reference_as_it_is_changes_nothing(place: Place) -> None:
    place.write(reference_toml())
    assert place.load().settings == Settings()


def test_reference_with_every_key_uncommented_is_the_defaults(place: Place) -> None:
    text = re.sub(r"(?m)^# ([a-z_]+ = )", r"\1", reference_toml())
    sections = tomllib.loads(text)
    assert {f"{name}.{key}" for name, keys in sections.items() for key in keys} == set(known_keys())
    place.write(text)
    loaded = place.load()
    assert loaded.settings == Settings()
    assert set(loaded.origins) == set(known_keys())


def test_every_key_is_documented() -> None:
    assert all(text.endswith(".") for text in known_keys().values())


def test_the_token_for_a_server_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDWATCH_TOKEN", "mw_secret")
    assert "mw_secret" not in repr(load_settings())
