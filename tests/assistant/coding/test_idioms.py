from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import assistant.coding.idioms
from assistant.coding.idioms import fitting_idiom, left_over
from tools.code.report import LANGUAGES

CATALOG = tomllib.loads(
    Path(assistant.coding.idioms.__file__).with_name("idioms.toml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(
    ("task", "contained"),
    [
        (
            "Remove old .bak files, older than 30 days, from the folder dumps",
            "-name '*.bak' -mtime +30 -delete",
        ),
        ("Keep the five newest dumps and delete all others", "sort -zrn"),
        ("Sum up the third column of a comma separated file with a header", "awk -F,"),
        ("Split events.txt into chunks of 50 lines", "split -l 50 -d -- events.txt"),
        ("Which addresses are most frequent?", "count[$1]++"),
        ("Report the 4 biggest files below /srv, with their bytes", "sed -n '1,4p'"),
        ("Delete the empty files below tmp", "-empty -delete"),
        ("List the empty files below tmp", "-empty -print"),
        ("How many requests per minute are in app.log?", "cut -c1-16 app.log"),
        ("Rename all files in photos, replacing blanks by underscores", "mv -n"),
        ("Gzip the .log files older than 7 days below var", "-mtime +7 -exec gzip"),
        ("Check the archives against the sha256 files beside them", "sha256sum --status -c"),
    ],
)
def test_the_words_of_a_task_find_how_it_is_done(task: str, contained: str) -> None:
    idiom = fitting_idiom(task, "bash")
    assert idiom is not None
    assert contained in idiom.code


def test_a_task_about_something_else_has_none() -> None:
    assert fitting_idiom("greet the moon", "bash") is None
    assert fitting_idiom("", "bash") is None
    assert fitting_idiom("delete files older than 3 days", "nginx") is None


def test_an_idiom_of_another_verb_does_not_fit() -> None:
    idiom = fitting_idiom("Write two csv files with a header line and columns", "bash")
    assert idiom is None or "concatenate" not in idiom.purpose


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


def test_the_words_of_bash_are_no_placeholders() -> None:
    task = "Run ./sync.sh under a lock, remove the lock at the end, exit with its status"
    assert left_over("trap 'rm -f sync.lock' EXIT", task, "bash") == ()


def test_the_catalog_is_of_known_languages_and_distinct_purposes() -> None:
    assert set(CATALOG) <= set(LANGUAGES)
    purposes = [entry["for"] for entries in CATALOG.values() for entry in entries]
    assert len(purposes) == len(set(purposes))
    assert all(
        entry.keys() - {"needs"} == {"for", "code"}
        for entries in CATALOG.values()
        for entry in entries
    )


@pytest.mark.parametrize("code", [entry["code"] for entry in CATALOG["bash"]])
def test_every_idiom_is_bash(code: str) -> None:
    done = subprocess.run(["bash", "-n"], input=code, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def run(folder: Path, purpose: str, status: int = 0, /, **names: str) -> str:
    """Run the idiom for `purpose` with `names` put in, as a script would."""
    [code] = [entry["code"] for entry in CATALOG["bash"] if entry["for"].startswith(purpose)]
    if "OUT" not in names:
        code = code.replace(" > OUT", "")
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
    assert done.returncode == status, done.stderr
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


def test_a_rotation_loses_no_generation(tmp_path: Path) -> None:
    write(tmp_path, **{"app": "0", "app.1": "1", "app.2": "2", "app.3": "3"})
    run(tmp_path, "rotate a log", FILE="app", KEEP="3")
    texts = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert texts == {"app": "", "app.1": "0", "app.2": "1", "app.3": "2"}


def test_the_newest_by_name_stay(tmp_path: Path) -> None:
    for name in ("v-1.9", "v-1.10", "v-1.2", "w-1.0"):
        (tmp_path / name).touch()
    run(tmp_path, "keep the newest backups", DIR=".", NAMES="v-*", KEEP="2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v-1.10", "v-1.9", "w-1.0"]


def test_tables_that_programs_print(tmp_path: Path) -> None:
    ps = "USER PID %CPU %MEM\namy 7 60.5 1\namy 8 50 1\nbob 9 99 1\namy 1 100 1\n"
    df = "Filesystem 1K Used Free Use% Mounted\n/dev/a 9 9 0 91% /\n/dev/b 9 1 8 9% /b\n"
    ss = "State R S Local Peer\nLISTEN 0 9 [::]:443 *:*\nESTAB 0 0 a:7 b:8\nLISTEN 0 9 *:22 *:*\n"
    write(tmp_path, ps=ps, df=df, ss=ss)
    busy = run(tmp_path, "a file with the output of ps", FILE="ps", USER="amy", PERCENT="50")
    assert busy == "1\n7\n"
    assert run(tmp_path, "a file with the output of df", FILE="df", PERCENT="80") == "/ 91%\n"
    assert run(tmp_path, "a file with the output of ss", FILE="ss") == "22\n443\n"


def test_files_of_dead_processes_go(tmp_path: Path) -> None:
    write(tmp_path, **{"own.pid": f"{os.getpid()}\n", "dead.pid": "999999999\n", "odd.pid": "x"})
    run(tmp_path, "pid file", DIR=".")
    assert [path.name for path in tmp_path.iterdir()] == ["own.pid"]


def test_a_template_gets_its_values(tmp_path: Path) -> None:
    write(tmp_path, tpl="a={{A}} & {{B}} {{C}}\n", env="# A=0\nA=1|/\\\nB=x=&y")
    run(tmp_path, "template placeholders", TEMPLATE="tpl", VALUES="env", OUT="out")
    assert (tmp_path / "out").read_text() == "a=1|/\\ & x=&y {{C}}\n"


def test_renaming_overwrites_nothing(tmp_path: Path) -> None:
    write(tmp_path, **{"a b": "1", "a_b": "2", "c d e": "3"})
    run(tmp_path, "rename files replacing", DIR=".")
    names = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert names == {"a b": "1", "a_b": "2", "c_d_e": "3"}
    run(tmp_path, "move files to another folder replacing", DIR=".", TARGET="out")
    assert (tmp_path / "out" / "a_b").read_text() == "1"


def test_archives_are_verified(tmp_path: Path) -> None:
    for name in ("good.tgz", "bad.tgz", "alone.tgz"):
        (tmp_path / name).write_text(name)
        digest = hashlib.sha256(name.encode()).hexdigest()
        (tmp_path / f"{name}.sha256").write_text(f"{digest}  {name}\n")
    (tmp_path / "bad.tgz").write_text("other")
    (tmp_path / "alone.tgz.sha256").unlink()
    found = run(tmp_path, "verify check archives", 1, DIR=".", NAMES="*.tgz")
    assert found == "alone.tgz\nbad.tgz\n"


def test_windows_traces_and_percentiles(tmp_path: Path) -> None:
    trace = "02:10:01 E: Broken\n\tat a.B\nCaused by: c\n\t... 3 more\n"
    log = f"02:09:59 before\n02:10:00 first\n{trace}02:20:00 last\n  more\n02:20:01 after\n"
    rows = "path,ms\n" + "".join(f"/a,{n}\n/b,7\n" for n in range(20, 0, -1))
    write(tmp_path, log=log, rows=rows)
    window = run(tmp_path, "log lines entries", FILE="log", FROM="02:10:00", UNTIL="02:20:00")
    assert window == f"02:10:00 first\n{trace}02:20:00 last\n  more\n"
    run(tmp_path, "extract stack traces", FILE="log", PATTERN="Broken", OUT="traces")
    assert (tmp_path / "traces").read_text() == trace
    slow = run(tmp_path, "percentile 95th of the duration", FILE="rows", N="2")
    assert slow == "/a 19\n/b 7\n"


def test_secrets_are_masked_and_logs_merged(tmp_path: Path) -> None:
    write(tmp_path, conf="Password = a=b\nuser = token\n; secret\n", a="1 x\n3 y", b="2 z\n")
    run(tmp_path, "mask hide redact", FILE="conf", OUT="masked")
    assert (tmp_path / "masked").read_text() == "Password = ***\nuser = token\n; secret\n"
    run(tmp_path, "merge logs", FILES="a b", OUT="merged")
    assert (tmp_path / "merged").read_text() == "1 x\n2 z\n3 y\n"


@pytest.mark.parametrize(
    ("purpose", "names", "out"),
    [
        ("lines that are in the old", {"OLD": "one", "NEW": "two"}, "a\n"),
        ("lines common", {"ONE": "one", "OTHER": "two"}, "b\n"),
        ("remove duplicate lines", {"FILE": "one"}, "a\nb\n"),
        ("sum total of a column", {"FILE": "table"}, "42\n"),
        ("sum per group", {"FILE": "table"}, "x 10\ny 32\n"),
        ("share percent percentage ratio", {"FILE": "log"}, "50.0\n"),
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
    assert run(tmp_path, "access log in nginx", FILE="log", N="1") == "1.1.1.1 10\n"
    assert run(tmp_path, "count status classes", FILE="log") == "2xx 1\n5xx 1\n"
    shares = run(tmp_path, "share percent of status", FILE="log")
    assert shares == "2xx 50.0%\n5xx 50.0%\n"
    assert run(tmp_path, "different messages", FILE="messages", LEVEL="ERROR") == (
        "2 full\n1 gone\n"
    )
    assert run(tmp_path, "numbers of the lines that are not", FILE="lines") == "3\n"
    (tmp_path / "spool" / "a").mkdir(parents=True)
    write(tmp_path / "spool", **{"b c": "12345"})
    (tmp_path / "spool" / "a" / "empty").touch()
    assert run(tmp_path, "sizes in bytes per folder", DIR=".") == "spool 5\n"
    assert run(tmp_path, "delete and print what was", DIR="spool") == "spool/a/empty\n1\n"
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
