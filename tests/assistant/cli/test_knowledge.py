import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.assistant.cli.program import Program, Ran

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
    assert result.keys() >= {"path", "heading", "score", "text"}
    assert (result["kind"], result["also_in"]) == ("runbook", [])
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


def test_filters_narrow_a_search(midwatch: Midwatch, runbooks: Path) -> None:
    (runbooks / "alerts.yaml").write_text(
        "groups:\n- name: disk\n  rules:\n  - alert: DiskFull\n    expr: disk_free < 1\n"
        "    labels:\n      service: search\n"
        "    annotations:\n      summary: the volume has no space left\n"
    )
    midwatch("ingest", runbooks)

    def paths(*arguments: str) -> list[str]:
        found = midwatch("search", "--json", "no space left on the volume", *arguments)
        return [result["path"] for result in json.loads(found.out)["results"]]

    assert set(paths()) >= {"runbooks/disk.md", "runbooks/alerts.yaml#DiskFull"}
    assert paths("--kind", "alert") == ["runbooks/alerts.yaml#DiskFull"]
    assert paths("--service", "Search") == ["runbooks/alerts.yaml#DiskFull"]
    assert "runbooks/alerts.yaml#DiskFull" not in paths("--path", "runbooks/*.md")
    assert paths("--path", "elsewhere") == []
    assert "runbooks/disk.md" in paths("--since", "1h")
    wrong = midwatch("search", "x", "--since", "soon")
    assert wrong.status == 1
    assert "soon" in wrong.said


def test_code_alone_is_shown_with_its_place(midwatch: Midwatch, runbooks: Path) -> None:
    (runbooks / "drain.md").write_text(
        "# Drain a node\n\nBefore maintenance, drain the node:\n\n```sh\nkubectl drain NODE\n```\n"
    )
    midwatch("ingest", runbooks)
    found = midwatch("search", "drain a node before maintenance", "--code", "-k", "1")
    assert found.out == "# runbooks/drain.md:6  Drain a node\nkubectl drain NODE\n\n"
    none = midwatch("search", "the certificate has expired", "--code", "-k", "1")
    assert (none.out, none.err) == ("", "No code in the passages that answer this.\n")
    as_json = midwatch("search", "drain a node before maintenance", "--code", "-k", "1", "--json")
    assert json.loads(as_json.out)["results"][0]["code"] == ["kubectl drain NODE"]


def test_logs_are_distilled_and_found_again(midwatch: Midwatch, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    lines = [f"2026-01-31T10:00:{s:02}Z ERROR pool exhausted after {s} s" for s in range(20)]
    (logs / "checkout.log").write_text("\n".join(lines) + "\n")
    ran = midwatch("ingest", "--kind", "log", logs)
    assert ran.out.startswith("1 added, 0 updated, 0 unchanged")
    found = midwatch("search", "--json", "--kind", "log", "ERROR pool exhausted after 77 s")
    [result, *_] = json.loads(found.out)["results"]
    assert "Seen 20 times" in result["text"]
    assert (result["kind"], result["services"]) == ("log", ["checkout"])
    # The same folder's documents are another source.
    (logs / "README.md").write_text("# Logs\n\nWhere the logs of checkout are.\n")
    assert midwatch("ingest", logs).out.startswith("1 added, 0 updated, 0 unchanged, 0 removed")
    again = midwatch("ingest")
    assert again.out.startswith("0 added, 0 updated, 2 unchanged, 0 removed, 0 failed")


def test_what_was_ingested_is_listed_and_forgotten(midwatch: Midwatch, runbooks: Path) -> None:
    assert midwatch("knowledge", "list").err == "Nothing was ingested yet: midwatch ingest FOLDER\n"
    refused = midwatch("ingest")
    assert refused.status == 1
    assert "midwatch ingest FOLDER" in refused.said
    midwatch("ingest", runbooks)
    [source] = json.loads(midwatch("knowledge", "list", "--json").out)["sources"]
    assert (source["path"], source["num_documents"]) == (str(runbooks), 2)
    assert str(runbooks) in midwatch("knowledge", "list").out
    assert midwatch("knowledge", "forget", runbooks).out == "2 documents forgotten\n"
    assert midwatch("knowledge", "forget", runbooks).status == 1
    assert midwatch("search", "no space left").err.startswith("Nothing to search in yet")


def test_options_that_do_not_go_together_are_refused(midwatch: Midwatch, runbooks: Path) -> None:
    assert midwatch("ingest", "--watch").status == 2
    assert midwatch("ingest", "--rebuild", runbooks).status == 2


@pytest.mark.system
def test_changes_are_watched_until_it_is_interrupted(program: Program, runbooks: Path) -> None:
    process = program.start("ingest", "--watch", runbooks)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("2 added")
        (runbooks / "dns.md").write_text("# DNS\n\nNames do not resolve.\n")
        assert process.stdout.readline().startswith("1 added, 0 updated, 2 unchanged")
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err == "watching; end with Ctrl-C\n"
