import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.settings import Settings, known_keys
from tests.assistant.cli.program import Ran

Midwatch = Callable[..., Ran]
Write = Callable[[str], Path]


def test_init_writes_every_key_commented_out(midwatch: Midwatch, tmp_path: Path) -> None:
    ran = midwatch("config", "init")
    path = tmp_path / "config" / "midwatch" / "midwatch.toml"
    assert ran == Ran(0, f"{path}\n", "")
    text = path.read_text(encoding="utf-8")
    assert {section: keys for section, keys in tomllib.loads(text).items() if keys} == {}
    assert all(f"# {key.split('.')[1]} = " in text for key in known_keys())
    assert midwatch("config", "show").status == 0


def test_what_init_wrote_is_taken_when_uncommented(
    midwatch: Midwatch, settings_file: Write
) -> None:
    path = Path(midwatch("config", "init").out.strip())
    text = path.read_text(encoding="utf-8")
    # What has no default stands there as an empty text, which is not a value of every kind.
    settings_file(re.sub(r'^# ([a-z_]+ = (?!""$))', r"\1", text, flags=re.MULTILINE))
    ran = midwatch("config", "show", "--json")
    assert ran.status == 0, ran.err


def test_init_does_not_overwrite(midwatch: Midwatch, settings_file: Write) -> None:
    path = settings_file('[model]\nname = "mine"\n')
    ran = midwatch("config", "init")
    assert ran.status == 1
    assert f"{path} exists already" in ran.said
    assert path.read_text(encoding="utf-8") == '[model]\nname = "mine"\n'


def test_init_here(midwatch: Midwatch, tmp_path: Path) -> None:
    assert midwatch("config", "init", "--here").out == "midwatch.toml\n"
    assert (tmp_path / "midwatch.toml").is_file()


def origin(midwatch: Midwatch, key: str, *flags: str | Path) -> tuple[object, str]:
    """The value of a key, and where it comes from."""
    shown = json.loads(midwatch(*flags, "config", "show", "--json").out)
    section, name = key.split(".")
    return shown["settings"][section][name], shown["origins"].get(key, "default")


def test_the_stronger_source_wins(
    midwatch: Midwatch, settings_file: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = Settings().model.name
    assert origin(midwatch, "model.name") == (default, "default")
    user = settings_file('[model]\nname = "user"\nthreads = 3\n')
    assert origin(midwatch, "model.name") == ("user", str(user))
    here = tmp_path / "midwatch.toml"
    here.write_text('[model]\nname = "here"\n')
    assert origin(midwatch, "model.name") == ("here", str(here))
    named = tmp_path / "named.toml"
    named.write_text('[model]\nname = "named"\n')
    assert origin(midwatch, "model.name", "--config", named) == ("named", str(named))
    monkeypatch.setenv("MIDWATCH_MODEL_NAME", "variable")
    given = ("--config", named)
    assert origin(midwatch, "model.name", *given) == ("variable", "the environment")
    assert origin(midwatch, "model.name", *given, "--model", "flag") == ("flag", "the command line")
    # A weaker file still gives the keys that the stronger ones leave open.
    assert origin(midwatch, "model.threads", *given) == (3, str(user))


def test_show_says_where_each_value_comes_from(
    midwatch: Midwatch, settings_file: Write, tmp_path: Path
) -> None:
    path = settings_file("[model]\nthreads = 3\n")
    ran = midwatch("--data-dir", tmp_path / "other", "config", "show")
    assert f"threads = 3  # {path}\n" in ran.out
    assert f'dir = "{tmp_path}/other"  # the command line\n' in ran.out
    assert "temperature = 0.0  # default\n" in ran.out


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_secrets_are_masked(midwatch: Midwatch, settings_file: Write, form: tuple[str]) -> None:
    settings_file('[services]\nsupervisor = "http://admin:hunter2@localhost:9001"\n')
    ran = midwatch("config", "show", *form)
    assert ran.status == 0
    assert "supervisor" in ran.out
    assert "hunter2" not in ran.out
    assert "admin" not in ran.out


def test_path_lists_the_files_that_are_read(
    midwatch: Midwatch, settings_file: Write, tmp_path: Path
) -> None:
    none_yet = midwatch("config", "path")
    assert (none_yet.status, none_yet.out) == (0, "")
    assert "midwatch config init" in none_yet.err
    user = settings_file("")
    here = tmp_path / "midwatch.toml"
    here.touch()
    assert midwatch("config", "path").out.splitlines() == [str(user), str(here)]
