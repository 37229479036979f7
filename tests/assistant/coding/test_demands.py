from __future__ import annotations

import pytest

from assistant.coding.demands import unmet_demands


@pytest.mark.parametrize(
    ("task", "met", "unmet", "said"),
    [
        ("count the lines of app.log", "wc -l app.log", "wc -l FILE", "app.log, and nothing"),
        ("count the lines of app.log", "wc -l *.log", "wc -l *.txt", "app.log, and nothing"),
        (
            "compare app.old.conf with the running one",
            'for age in old new; do cat "app.$age.conf"; done; cat "app.old$end"',
            "cat app.new.conf",
            "app.old.conf",
        ),
        ("copy a.ini to b.ini", "cp a.ini b.ini", "cat a.ini", "b.ini, and nothing writes it"),
        ("list the users, sorted by name", "cut -f1 x | sort", "cut -f1 x", '"sorted"'),
        (
            "print the folders, sorted",
            'for one in */; do echo "$one"; done',
            "find . -type d",
            '"sorted"',
        ),
        ("sizes, the largest first", "ls -lS", "ls -l", '"largest first"'),
        ("print the 3 largest", "sort -rn | head -n 3", "sort -rn | head", "limits to 3"),
        ("keep the 3 newest: the 3 newest", "sort | tail -n +4", "sort | tail", "limits to 3"),
        (
            'df.txt has the output of "df -P"',
            "awk '{ print $5 }' df.txt",
            "df -P | awk '{ print $5 }' # df.txt\ncat df.txt",
            "do not run df",
        ),
        ("exit with status 1 if any", "exit 1", "echo 1", "exit status"),
        (
            'print "IP bytes" per client',
            'echo "$ip $bytes"',
            'echo "IP bytes"\necho "$ip $bytes"',
            "the form of a line",
        ),
        (
            "delete empty files and say how many",
            "find . -empty -print -delete | wc -l",
            "find . -empty -delete\nfind . -empty -delete | wc -l",
            "runs 2 times",
        ),
        (
            "greet",
            "grep moon x || true\ntrue",
            "./greet.sh || true",
            "hides a failure",
        ),
        (
            "greet",
            "sed s/a/b/ x > y; sort x >> x\ncat x | sort > y\nrm x; sort y > x",
            "sed 's/[;]a/b/' x > x",
            "emptied before",
        ),
        ("greet", "sort x > xx", "cat x | sort -u > x", "emptied before"),
        (
            "greet",
            "echo good morning all\nfi\nfi\nfi",
            "echo good morning all\n" * 3,
            "stands there 3 times",
        ),
    ],
)
def test_a_demand_without_a_trace(task: str, met: str, unmet: str, said: str) -> None:
    assert unmet_demands(task, met) == ()
    [problem] = unmet_demands(task, unmet)
    assert said in problem.message
    assert (problem.severity, problem.code) == ("warning", "demand")


def test_a_comment_is_no_trace() -> None:
    [problem] = unmet_demands("count the lines of app.log", "# app.log\ntrue # app.log\n")
    assert "app.log" in problem.message


def test_no_demand_no_finding() -> None:
    assert unmet_demands("", "") == ()
    assert unmet_demands("greet the moon", "echo moon") == ()
