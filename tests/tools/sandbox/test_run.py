from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.errors import SandboxUnavailable
from tools.sandbox import FileChange, Limits, SandboxedProgram, SandboxRun, run_sandboxed

Run = Callable[..., SandboxRun]


@pytest.mark.parametrize(
    ("code", "status", "signal_name"),
    [
        ("true", 0, None),
        ("exit 7", 7, None),
        ("no-such-program", 127, None),
        ("if", 2, None),
        ("kill -TERM $$", 143, "SIGTERM"),
        ("", 0, None),
    ],
)
def test_the_status_is_that_of_the_program(
    run: Run, code: str, status: int, signal_name: str | None
) -> None:
    ran = run(code)
    assert (ran.status, ran.signal_name, ran.ended) == (status, signal_name, None)
    assert ran.has_succeeded == (status == 0)


def test_it_gets_its_input_and_arguments(run: Run) -> None:
    ran = run('cat; printf "%s|" "$@"', stdin=b"one\ntwo", arguments=("a b", "", "--help", "é"))
    assert ran.stdout == "one\ntwoa b||--help|é|"


def test_without_input_there_is_none(run: Run) -> None:
    assert run("read line || echo none").stdout == "none\n"


def test_the_input_cannot_be_made_longer(run: Run) -> None:
    assert "Operation not permitted" in run("echo x >> /proc/self/fd/0", stdin=b"one").stderr


def test_output_comes_as_it_is_written_in_whole_characters(run: Run) -> None:
    parts: list[tuple[str, str]] = []
    code = r"printf '\303'; sleep 0.2; printf '\251\n'; sleep 0.2; echo x >&2; printf '\377'"
    ran = run(code, on_output=lambda stream, text: parts.append((stream, text)))
    assert parts == [("stdout", "é\n"), ("stderr", "x\n"), ("stdout", "\ufffd")]
    assert (ran.stdout, ran.stderr) == ("é\n\ufffd", "x\n")


def test_it_says_what_changed_in_the_folder(run: Run, folder: Path) -> None:
    for name in ("kept", "written", "touched", "deleted", "moved", "same content"):
        (folder / name).write_text("12345")
    (folder / "sub").mkdir()
    (folder / "sub" / "inner").write_text("1")
    ran = run(
        "cat kept >/dev/null; echo 1 >> written; touch -r kept touched; rm deleted; mv moved new;"
        "printf 12345 > 'same content'; mkdir dir; echo 1 > dir/a; ln -s /etc link; chmod 700 sub"
    )
    assert ran.stderr == ""
    assert ran.changes == (
        FileChange("deleted", "deleted", 5),
        FileChange("dir", "created", (folder / "dir").stat().st_size),
        FileChange("dir/a", "created", 2),
        FileChange("link", "created", 4),
        FileChange("moved", "deleted", 5),
        FileChange("new", "created", 5),
        FileChange("same content", "changed", 5),
        FileChange("sub", "changed", (folder / "sub").stat().st_size),
        FileChange("touched", "changed", 5),
        FileChange("written", "changed", 7),
    )


def test_a_change_hidden_behind_an_old_time_is_seen(run: Run, folder: Path) -> None:
    (folder / "a").write_text("12345")
    ran = run("cp -p a copy; printf 54321 > a; touch -r copy a; rm copy")
    assert ran.changes == (FileChange("a", "changed", 5),)


def test_the_folder_has_its_owners_again(run: Run, folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root lends a folder to another user")
    for name, owner in (("ours", 0), ("theirs", 1234)):
        (folder / name).write_text("x")
        os.chown(folder / name, owner, owner)
    os.chown(folder, 77, 78)
    run("echo 1 >> ours; echo 1 >> theirs; mkdir -m 0 closed; ln -s /etc/passwd link; touch new")
    owners = {path.name: (path.lstat().st_uid, path.lstat().st_gid) for path in folder.iterdir()}
    assert owners == {
        "ours": (0, 0),
        "theirs": (1234, 1234),
        "closed": (77, 78),
        "link": (77, 78),
        "new": (77, 78),
    }
    assert (folder.stat().st_uid, folder.stat().st_gid) == (77, 78)
    assert Path("/etc/passwd").stat().st_uid == 0


@pytest.mark.usefixtures("sandbox")
def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SandboxUnavailable, match="not a folder"):
        run_sandboxed(SandboxedProgram("bash", ":", tmp_path / "file"), Limits())


def test_python_runs_with_the_programs_of_the_system(python: Run) -> None:
    ran = python("import subprocess; print(subprocess.run(['awk', 'BEGIN {print 6 * 7}']))")
    assert ran.stdout.startswith("42\n")
