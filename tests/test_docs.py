"""The documentation says what the code does, and its links lead somewhere."""

import re
import runpy
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.cli.main import app
from assistant.settings import known_keys, load_settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])
GENERATED = runpy.run_path(str(DOCS / "generate.py"))["pages"]()
LINK = re.compile(r"\]\((?!\w+:)([^)#]*)(?:#([^)]+))?\)")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> list[tuple[str, str]]:
    """The fenced blocks of that kind, each with the name of its page."""
    return [
        (page.name, text)
        for page in PAGES
        for found, text in FENCE.findall(page.read_text(encoding="utf-8"))
        if found == kind
    ]


def commands() -> list[tuple[str, str]]:
    return [(page, line) for page, text in blocks("sh") for line in text.splitlines()]


@pytest.mark.parametrize("name", GENERATED)
def test_generated_page_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == GENERATED[name], "run: make docs"


@pytest.mark.parametrize(("key", "meaning"), known_keys().items())
def test_every_setting_is_explained(key: str, meaning: str) -> None:
    assert meaning
    assert meaning in GENERATED["settings.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for path, heading in LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / path if path else page
        assert target.exists(), path
        if heading:
            assert heading in headings(target), f"{path}#{heading}"


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(("page", "command"), [c for c in commands() if "midwatch " in c[1]])
def test_command_and_its_options_exist(page: str, command: str) -> None:
    arguments = shlex.split(command[command.index("midwatch ") :])[1:]
    outcome = CliRunner().invoke(app, [*arguments, "--help"])
    assert outcome.exit_code == 0, outcome.output


@pytest.mark.parametrize(("page", "text"), blocks("toml"))
def test_settings_are_understood(
    page: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "midwatch.toml").write_text(text)
    assert load_settings(folder=tmp_path, environment={"XDG_CONFIG_HOME": str(tmp_path)}).origins
