"""The `[routing]` section, as a person writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.errors import SettingsError
from assistant.settings import Settings, load_settings, shown

BIG = '[routing.models.big]\nname = "gpt"\nbase_url = "https://api.example.com/v1"\n'


def load(folder: Path, text: str, **environment: str) -> Settings:
    (folder / "midwatch.toml").write_text(text, encoding="utf-8")
    variables = {"XDG_CONFIG_HOME": str(folder), **environment}
    return load_settings(environment=variables, folder=folder).settings


def failure(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(folder, text)
    return caught.value.message


def test_rules_name_models_of_their_own_tables(tmp_path: Path) -> None:
    text = (
        '[routing]\ndeep = "big"\nlow_confidence = "q7b"\nalerts = {critical = "big"}\n'
        "remote_consent = true\n"
        f"{BIG}tokens_per_day = 200_000\ncost_per_day = 5\nprompt_price = 2.5\n"
        '[routing.models.q7b]\nprovider = "local"\nname = "q7b.gguf"\n'
    )
    routing = load(tmp_path, text).routing
    assert (routing.deep, routing.low_confidence) == ("big", "q7b")
    assert routing.alerts == {"critical": "big"}
    assert routing.models["big"].tokens_per_day == 200_000
    assert routing.models["big"].cost_per_day == 5.0
    assert routing.models["q7b"].base_url == ""


def test_without_a_section_nothing_is_routed_and_nothing_agreed_to() -> None:
    routing = Settings().routing
    assert (routing.models, routing.deep, routing.alerts) == ({}, "", {})
    assert not routing.remote_consent


@pytest.mark.parametrize(
    ("value", "urls"),
    [
        ('"http://a/v1"', ("http://a/v1",)),
        ('["http://a/v1", "http://b/v1"]', ("http://a/v1", "http://b/v1")),
        ('["http://a/v1"]', ("http://a/v1",)),
        ('""', ()),
        ("[]", ()),
    ],
)
def test_model_has_one_address_or_several(
    tmp_path: Path, value: str, urls: tuple[str, ...]
) -> None:
    assert load(tmp_path, f"[model]\nbase_url = {value}\n").model.base_urls == urls


def test_variable_takes_several_addresses_as_json(tmp_path: Path) -> None:
    settings = load(tmp_path, "", MIDWATCH_MODEL_BASE_URL='["http://a/v1", "http://b/v1"]')
    assert settings.model.base_urls == ("http://a/v1", "http://b/v1")
    assert shown(settings)["model"]["base_url"] == ["http://a/v1", "http://b/v1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[routing]\ndeep = "big"\n', "routing.deep = 'big' in "),
        ('[routing]\nlow_confidence = "x"\n' + BIG, "'x' has no table [routing.models.x]"),
        ('[routing]\nalerts = {critical = "x"}\n' + BIG, "'x' has no table [routing.models.x]"),
        ('[routing.models.big]\nname = "x"\n', "base_url must be the server's address"),
        ('[routing.models.big]\nbase_url = "http://a"\n', "name is missing"),
        ('[routing.models.Big]\nname = "x"\n', "routing.models.Big"),
        (BIG.replace("https://", "https://me:hunter2@"), "must be an address alone"),
        (BIG.replace("https://", ""), "must be a server's address"),
        (BIG + "requests_per_day = 0\n", "routing.models.big.requests_per_day = 0"),
        (BIG + "prompt_price = -1\n", "routing.models.big.prompt_price = -1"),
        (BIG + "cost_per_day = inf\n", "routing.models.big.cost_per_day = inf"),
        (
            '[routing.models.big]\nprovider = "local"\nname = "x"\ntokens_per_day = 5\n',
            "a local model has no budget",
        ),
        ('[model]\nbase_url = ["http://a", "http://a"]\n', "must name each server once"),
        ('[model]\nbase_url = ["http://a", ""]\n', "must name each server once"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert message in failure(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        BIG + 'api_key = "sk-secret"\n',
        '[routing.models.big]\napi_key = "sk-secret"\nbase_url = "http://a"\n',
    ],
)
def test_key_that_stands_in_the_table_itself_is_shown_to_nobody(tmp_path: Path, text: str) -> None:
    said = failure(tmp_path, text)
    assert "(hidden)" in said
    assert "sk-secret" not in said
