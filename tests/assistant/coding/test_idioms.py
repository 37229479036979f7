from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import assistant.coding.idioms
from assistant.coding.idioms import fitting_idioms, left_over
from tools.code.report import LANGUAGES

CATALOG = tomllib.loads(
    Path(assistant.coding.idioms.__file__).with_name("idioms.toml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(
    ("task", "contained"),
    [
        (
            "Remove old .bak files, older than 30 days, from the folder dumps",
            "-mtime +DAYS -delete",
        ),
        ("Keep the five newest dumps and delete all others", "sort -zrn"),
        ("Sum up the third column of a comma separated file with a header", "awk -F,"),
        ("Split events.txt into chunks of 50 lines", "split -l LINES"),
        ("Which addresses are most frequent?", "count[$1]++"),
    ],
)
def test_the_words_of_a_task_find_how_it_is_done(task: str, contained: str) -> None:
    assert contained in fitting_idioms(task, "bash")[0].code


def test_there_are_few_and_often_none() -> None:
    assert fitting_idioms("greet the moon", "bash") == ()
    assert fitting_idioms("", "bash") == ()
    assert fitting_idioms("delete files older than 3 days", "nginx") == ()
    everything = " ".join(entry["for"] for entry in CATALOG["bash"])
    assert len(fitting_idioms(everything, "bash")) <= 2


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("find DIR -name '*.tmp' -mtime +DAYS -delete", ("DIR", "DAYS")),
        ("find cache -name '*.tmp' -mtime +7 -delete", ()),
        # Variables, and words that are the task's own.
        ('DIR=cache\nDAYS=7\nfind "$DIR" -mtime +${DAYS} -delete', ()),
        ("find cache -name 'EXT' -delete", ()),
        ("awk 'END { print NR }' cache; grep FATAL cache", ()),
    ],
)
def test_words_that_an_idiom_left_behind(code: str, words: tuple[str, ...]) -> None:
    task = "delete temporary files (EXT) below cache that are older than 7 days"
    assert left_over(code, task, "bash") == words


def test_the_catalog_is_of_known_languages_and_distinct_purposes() -> None:
    assert set(CATALOG) <= set(LANGUAGES)
    purposes = [entry["for"] for entries in CATALOG.values() for entry in entries]
    assert len(purposes) == len(set(purposes))
    assert all(entry.keys() == {"for", "code"} for entries in CATALOG.values() for entry in entries)


@pytest.mark.parametrize("code", [entry["code"] for entry in CATALOG["bash"]])
def test_every_idiom_is_bash(code: str) -> None:
    done = subprocess.run(["bash", "-n"], input=code, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def run(folder: Path, purpose: str, **names: str) -> str:
    """Run the idiom for `purpose` with `names` put in, as a script would."""
    [code] = [entry["code"] for entry in CATALOG["bash"] if entry["for"].startswith(purpose)]
    for name, text in names.items():
        # Not within END, nor where sed wants a number: `\\1VALUE`, `1,Np`.
        code, num_put_in = re.subn(rf"\b{name}\b|(?<=,){name}(?=p)|(?<=\\1){name}", text, code)
        assert num_put_in
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, "-euo", "pipefail", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def test_idioms_that_keep_and_delete(tmp_path: Path) -> None:
    for age in range(4):
        path = tmp_path / f"b {age}"
        path.touch()
        os.utime(path, (1e9 - age, 1e9 - age))
    run(tmp_path, "keep only the newest", DIR=".", KEEP="2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b 0", "b 1"]
    run(tmp_path, "rotate a log", FILE="'b 0'")
    assert (tmp_path / "b 0.1").exists()
    assert (tmp_path / "b 0").stat().st_size == 0


@pytest.mark.parametrize(
    ("purpose", "names", "out"),
    [
        ("lines that are in the old", {"OLD": "one", "NEW": "two"}, "a\n"),
        ("lines common", {"ONE": "one", "OTHER": "two"}, "b\n"),
        ("remove duplicate lines", {"FILE": "one"}, "a\nb\n"),
        ("sum total of a column", {"FILE": "table"}, "42\n"),
        ("sum per group", {"FILE": "table"}, "x 10\ny 32\n"),
        ("share percent", {"FILE": "log"}, "50.0\n"),
        ("lines between two markers", {"FILE": "marked"}, "in\n"),
        ("valid IPv4", {"FILE": "addresses"}, "1.2.3\n1.2.3.256\n"),
        ("most frequent", {"FILE": "one", "N": "1"}, "2 b\n"),
        ("count how many lines", {"FILE": "one", "PATTERN": "z"}, "0\n"),
        ("missing numbers", {"FILE": "numbers", "FIRST": "1", "LAST": "4"}, "2\n"),
        ("longest line", {"FILE": "addresses"}, "1.2.3.256\n"),
    ],
)
def test_idioms_that_read(tmp_path: Path, purpose: str, names: dict[str, str], out: str) -> None:
    write(
        tmp_path,
        one="a\nb\nb\n",
        two="b\nc\n",
        table="k,v\nx,10\ny,32\n",
        log="/ 200\n/ 500\n",
        marked="x\nBEGIN\nin\nEND\ny\n",
        addresses="1.2.3\n1.2.3.4\n1.2.3.256\n",
        numbers="1\n3\n4\n",
    )
    assert run(tmp_path, purpose, **names) == out


def test_idioms_that_compare_and_count(tmp_path: Path) -> None:
    write(
        tmp_path,
        one="A=1\n# c\nB=2\nC=3\n",
        two="\nC=4\nB=2\nD=5\n",
        log='1.1.1.1 - - [t +0] "GET /a H" 200 7\n1.1.1.1 - - [t +0] "GET /b H" 503 3\n',
        messages="d t ERROR full\nd t INFO up\nd t ERROR full\nd t ERROR gone\n",
        lines='{"a": 1}\n\n{"a": }\n',
    )
    compared = run(tmp_path, "compare two files of KEY", OLD="one", NEW="two")
    assert compared == "removed A\nchanged C\nadded D\n"
    assert run(tmp_path, "access log in nginx", FILE="log") == "1.1.1.1 10\n"
    assert run(tmp_path, "status classes", FILE="log") == "2xx 1\n5xx 1\n"
    assert run(tmp_path, "different messages", FILE="messages", LEVEL="ERROR") == (
        "2 full\n1 gone\n"
    )
    assert run(tmp_path, "numbers of the lines that are not", FILE="lines") == "3\n"
    (tmp_path / "spool" / "a").mkdir(parents=True)
    write(tmp_path / "spool", **{"b c": "12345"})
    (tmp_path / "spool" / "a" / "empty").touch()
    assert run(tmp_path, "sizes in bytes per folder", DIR=".") == "spool 5\n"
    assert run(tmp_path, "delete and print what was", DIR="spool").strip() == "1"
    (tmp_path / "held").touch()
    assert run(tmp_path, "run until it succeeds", COMMAND="test -e held") == "attempt 1\n"


def test_idioms_that_write(tmp_path: Path) -> None:
    write(tmp_path, conf="# a\nport = 1\nother = 2\n", rows="name,mail\namy,a@x\n")
    run(tmp_path, "set change the value", FILE="conf", KEY="port", VALUE="99")
    assert run(tmp_path, "read extract print", FILE="conf", KEY="port") == "99\n"
    for _ in range(2):
        run(tmp_path, "append add a line", FILE="conf", LINE="new = 3")
    assert (tmp_path / "conf").read_text() == "# a\nport = 99\nother = 2\nnew = 3\n"
    run(tmp_path, "for each line row of a csv", FILE="rows", OUT="made")
    assert (tmp_path / "made" / "amy.txt").read_text() == "a@x\n"
    run(tmp_path, "truncate a log", FILE="conf", LINES="1")
    assert (tmp_path / "conf").read_text() == "new = 3\n"
