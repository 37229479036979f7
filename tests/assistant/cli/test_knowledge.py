import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.assistant.cli.program import Ran

Midwatch = Callable[..., Ran]


@pytest.fixture
def runbooks(tmp_path: Path) -> Path:
    folder = tmp_path / "runbooks"
    folder.mkdir()
    (folder / "disk.md").write_text(
        "# Disk full\n\n## Mitigation\n\nDelete rotated logs, then grow the volume.\n" + "x " * 300
    )
    (folder / "tls.txt").write_text("The certificate has expired. Renew it, reload nginx.\n")
    return folder


def test_what_was_ingested_is_found(midwatch: Midwatch, runbooks: Path) -> None:
    first = midwatch("ingest", runbooks)
    assert (first.status, first.err) == (0, "")
    assert first.out.startswith("2 added, 0 updated, 0 unchanged, 0 removed, 0 failed (")
    (runbooks / "tls.txt").unlink()
    again = json.loads(midwatch("ingest", "--json", runbooks).out)
    assert (again["added"], again["unchanged"], again["removed"]) == (0, 1, 1)

    found = midwatch("search", "no space left on the volume")
    assert (found.status, found.err) == (0, "")
    head, passage = found.out.splitlines()[:2]
    assert "runbooks/disk.md:" in head
    assert "Mitigation" in head
    assert "Delete rotated logs" in passage
    assert found.out.endswith(" …\n")

    report = json.loads(midwatch("search", "--json", "-k", "1", "no space left on the volume").out)
    assert report.keys() == {"results", "duration_s"}
    [result] = report["results"]
    assert result.keys() == {"path", "heading", "score", "text"}
    assert (result["path"], len(result["text"]) > 500) == ("runbooks/disk.md", True)

    nothing = midwatch("search", "the best recipe for plum cake")
    assert (nothing.status, nothing.out) == (0, "")
    assert "No passage" in nothing.err
    assert json.loads(midwatch("search", "--json", "plum cake").out)["results"] == []


def test_an_empty_knowledge_base_says_what_to_do(midwatch: Midwatch) -> None:
    ran = midwatch("search", "no space left")
    assert (ran.status, ran.out) == (0, "")
    assert "midwatch ingest" in ran.err
    assert json.loads(midwatch("search", "--json", "no space left").out)["results"] == []


def test_a_folder_that_does_not_exist(midwatch: Midwatch) -> None:
    ran = midwatch("ingest", "nowhere")
    assert (ran.status, ran.out) == (1, "")
    assert "nowhere: No such file" in ran.said


def test_links_that_lead_in_circles_end(midwatch: Midwatch, runbooks: Path) -> None:
    (runbooks / "up").symlink_to(runbooks.parent)
    (runbooks / "self").symlink_to(".")
    (runbooks / "endless.md").symlink_to("endless.md")
    (runbooks / "dangling.md").symlink_to("nowhere.md")
    ran = midwatch("ingest", runbooks)
    assert ran.status == 0
    assert ran.out.startswith("2 added, 0 updated, 0 unchanged, 0 removed, 2 failed")
    assert {line.split(": ")[0].rpartition("/")[2] for line in ran.said.splitlines()} == {
        "endless.md",
        "dangling.md",
    }


def test_only_what_cannot_be_read_fails(midwatch: Midwatch, tmp_path: Path) -> None:
    path = tmp_path / "core.md"
    path.write_bytes(b"\x00\x01\x02" * 100)
    ran = midwatch("ingest", path)
    assert ran.status == 1
    assert "core.md: not a text file" in ran.said


def test_a_runbook_does_not_steer_the_terminal(midwatch: Midwatch, tmp_path: Path) -> None:
    evil = "\x1b]0;title\x07\x1b[2J\x9b2J"
    folder = tmp_path / "runbooks"
    folder.mkdir()
    (folder / f"disk{evil}.md").write_text(
        f"# Disk full {evil}\n\nDelete {evil} rotated logs.\n", encoding="utf-8"
    )
    (folder / f"broken{evil}.md").write_bytes(b"\x00")
    ingested = midwatch("ingest", folder)
    found = midwatch("search", "the disk is full")
    assert "rotated logs" in found.out
    assert not {"\x1b", "\x07", "\x9b"} & set(ingested.out + ingested.err + found.out + found.err)
