from __future__ import annotations

import pytest

from assistant.coding.filling import files_read, filled
from assistant.coding.look import Looked


@pytest.mark.parametrize(
    ("code", "task", "result"),
    [
        (
            "find DIR -mtime +DAYS",
            "delete files below cache older than 7 days",
            "find cache -mtime +7",
        ),
        ("find DIR", "list everything below the folder var/spool", "find var/spool"),
        ("find DIR", "for each folder directly below sites, print its name", "find sites"),
        ("find DIR", "in the logs folder", "find logs"),
        ("find DIR", "print the folder with the most files", "find DIR"),
        ("find -name 'NAMES'", "remove all *.bak files", "find -name '*.bak'"),
        ("sort FILE", "sort hosts.txt by name.", "sort hosts.txt"),
        ("sort FILE > OUT", "sort hosts.txt into sorted.txt", "sort hosts.txt > sorted.txt"),
        # Nobody asked for a file, or for a number of lines.
        ("sort FILE > OUT", "sort hosts.txt", "sort hosts.txt"),
        ("sort FILE | sed -n '1,Np'", "sort hosts.txt", "sort hosts.txt"),
        ("sort FILE | sed -n '1,Np'", "the top three of a.txt", "sort a.txt | sed -n '1,3p'"),
        ("tail -n $((KEEP + 1))", "Keep the 5 newest dumps", "tail -n $((5 + 1))"),
        ("cmp OLD NEW", "compare a.conf and b.conf", "cmp a.conf b.conf"),
        ("cat FILES", "join a.log, b.log and c.log", "cat a.log b.log c.log"),
        ("grep PATTERN", 'lines that contain "out of memory"', "grep out of memory"),
        ("sed 's/^KEY=.*/KEY=VALUE/'", "set PORT to 8080.", "sed 's/^PORT=.*/PORT=8080/'"),
        ("awk '$1 >= LEAST'", "users with at least 4 logins", "awk '$1 >= 4'"),
        (
            "awk '/FROM/,/UNTIL/'",
            "from 2026-01-01 10:00 to 2026-01-01 11:30",
            "awk '/2026-01-01 10:00/,/2026-01-01 11:30/'",
        ),
        (
            "ls DIR/NAMES",
            "the folder old has files a-YYYY-MM.gz",
            "ls old/a-[0-9][0-9][0-9][0-9]-[0-9][0-9].gz",
        ),
        ("ls DIR/NAMES", "every dump NAME.sql in the folder old", "ls old/*.sql"),
        ("find -size +SIZE", "files over 10 MB", "find -size +10M"),
        ("find -size +SIZE", "files over 500 bytes", "find -size +500c"),
        ("cat TEMPLATE VALUES", "fill a.conf.tmpl with b.env", "cat a.conf.tmpl b.env"),
        ("ls NAMES", "gzip all app-*.log files", "ls app-*.log"),
        ("ls NAMES", "list the .tmp files", "ls *.tmp"),
        ("ls NAMES", "names ending in .bak are old", "ls *.bak"),
        ("mv DIR TARGET", "move them from the folder spool to the folder done", "mv spool done"),
        ("ln TARGET LINK", "the link current points to releases/v2", "ln releases/v2 current"),
        ("mv a.WAS a.BECOMES", "rename all from .jpeg to .jpg", "mv a.jpeg a.jpg"),
        ("tar -czf ARCHIVE", "pack it into var/a.tar.gz.", "tar -czf var/a.tar.gz"),
        ("sed TEXT INSTEAD", "replace every occurrence of a:1 by b:2.", "sed a:1 b:2"),
        ("grep 'LINE'", "append the line 'a = 1' to it", "grep 'a = 1'"),
        ("grep PATTERN", "lines that contain FATAL", "grep FATAL"),
        ("awk KEY", "print the value of the key max_size", "awk max_size"),
        # A copy is made where one is asked for.
        ("cp FILE BACKUP\nsed FILE", "save a.env as a.env.bak", "cp a.env a.env.bak\nsed a.env"),
        ("cp FILE BACKUP\nsed FILE", "change a.env", "sed a.env"),
        ("COMMAND; rm LOCK", "run ./sync.sh with the file sync.lock", "./sync.sh; rm sync.lock"),
        # A variable is the script's own, and so is a part of a longer word.
        ('DIR=x; ls "$DIR" "${DIR}" DIRS', "below cache", 'DIR=x; ls "$DIR" "${DIR}" DIRS'),
    ],
)
def test_what_the_task_says_is_put_in(code: str, task: str, result: str) -> None:
    assert filled(code, task) == result


def test_hosts_versions_patterns_and_times_are_no_files() -> None:
    task = "Set it to db-2.internal:5432/shop in app.env, version 1.25, *.log, http://a.b/c.txt"
    assert files_read(task) == ("app.env",)
    assert files_read("NAME.tar.gz has NAME.tar.gz.sha256 beside it") == ()


def test_an_example_is_no_file() -> None:
    assert files_read("in app.log rename names like report.pdf, such as old.pdf") == ("app.log",)


def test_the_file_that_is_to_be_written_is_not_read() -> None:
    assert files_read("Copy a.ini to b.ini and count c.log") == ("a.ini", "c.log")


def test_what_was_looked_at_is_a_name() -> None:
    task = "append vm.swappiness to the hosts in etc and save it as hosts.bak"
    looked = (
        Looked("hosts", "file", ()),
        Looked("etc", "folder", ()),
        Looked("hosts.bak", "file", ()),
    )
    assert filled("cat FILES; ls DIR", task, looked) == "cat hosts; ls etc"
