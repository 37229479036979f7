from __future__ import annotations

import os
from pathlib import Path

import pytest

from assistant.coding.look import Looked, look_at
from tools.redaction.redactor import Redactor


def kept(text: str) -> str:
    return text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "here"
    (inside / "spool" / "deep").mkdir(parents=True)
    (inside / "app.log").write_text("10:00 a up\n10:01 a up\n\n10:02 b down\n")
    (inside / "spool" / "b c.txt").write_text("12345")
    (inside / "spool" / "deep" / "d").touch()
    (inside / "spool" / "link").symlink_to("deep")
    os.utime(inside / "spool" / "b c.txt", (86_400, 86_400))
    (tmp_path / "outside.log").write_text("secret\n")
    return inside


def test_a_file_is_shown_by_its_kinds_of_lines(folder: Path) -> None:
    [looked] = look_at("Count the errors in app.log, or none.", folder, kept)
    assert looked == Looked(
        "app.log",
        "file",
        ("10:00 a up", "10:02 b down"),
        "fields for awk: $1=10:00 $2=a $3=up, last=$NF",
    )


def test_a_folder_is_shown_by_its_names(folder: Path) -> None:
    [looked] = look_at("delete what is old in ./spool.", folder, kept)
    assert looked.name == "spool"
    assert looked.lines == (
        "spool/b c.txt (5 bytes, 1970-01-02)",
        "spool/deep/",
        f"spool/deep/d (0 bytes, {_day(folder / 'spool/deep/d')})",
        "spool/link -> deep",
    )


def _day(path: Path) -> str:
    from datetime import UTC, datetime

    return str(datetime.fromtimestamp(path.stat().st_mtime, UTC).date())


@pytest.mark.parametrize(
    "name", ["../outside.log", "spool/../../outside.log", "way.log", "away/outside.log", "gone.log"]
)
def test_nothing_outside_and_no_link_is_read(folder: Path, name: str) -> None:
    (folder / "way.log").symlink_to("../outside.log")
    (folder / "away").symlink_to("..")
    assert look_at(f"read {name}", folder, kept) == ()
    assert look_at(f"read {folder.parent}/outside.log", folder, kept) == ()
    # Not the one of the same name that is here.
    assert look_at("read /app.log and ~/app.log and /spool/deep", folder, kept) == ()


def test_only_regular_text_files_are_read(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "core").write_bytes(b"text\n\0\1")
    (folder / "closed").touch(mode=0o000)
    assert look_at("pipe core", folder, kept) == ()
    # To root nothing is closed: an empty file has no lines.
    assert all(not one.lines for one in look_at("closed", folder, kept))


def test_what_is_shown_has_lost_its_secrets(folder: Path) -> None:
    (folder / "app.env").write_text("TOKEN=abc123\n")
    (folder / "spool" / "abc123").touch()
    looked = look_at("app.env and spool", folder, lambda text: text.replace("abc123", "[gone]"))
    assert "abc123" not in str(looked)
    assert "[gone]" in str(looked)


def test_a_secret_that_is_long_is_cut_after_it_is_hidden(folder: Path) -> None:
    secret = "k" * 300
    (folder / "app.env").write_text(f"KEY={secret}\n")
    [looked] = look_at("app.env", folder, lambda text: text.replace(secret, "[gone]"))
    assert looked.lines == ("KEY=[gone]",)


@pytest.mark.parametrize("num_lines", [20, 900])
def test_no_line_of_a_key_is_shown(folder: Path, num_lines: int) -> None:
    lines = [f"{number:04}" + "Ab3/" * 15 for number in range(num_lines)]
    block = ["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----"]
    (folder / "web.key").write_text("\n".join(block))
    [looked] = look_at("web.key", folder, Redactor(b"0" * 32).redact)
    assert "Ab3/" not in str(looked)


def test_all_of_it_is_bounded(folder: Path) -> None:
    for number in range(400):
        (folder / "spool" / f"f{number}").touch()
    (folder / "wide.log").write_text("x" * 1_000_000)
    for number in range(9):
        (folder / f"{number}.log").write_text("x\n")
    everything = " ".join(["spool", "wide.log", *(f"{n}.log" for n in range(9))])
    looked = look_at(everything, folder, kept)
    assert [one.name for one in looked] == ["spool", "wide.log", "0.log", "1.log"]
    assert len(looked[0].lines) == 8
    assert len(looked[1].lines[0]) < 200
