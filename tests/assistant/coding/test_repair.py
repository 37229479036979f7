from __future__ import annotations

import pytest

import assistant.coding.repair
from assistant.coding.repair import Repaired, repair
from tools.code.running import CheckerRun, CheckerUnavailable

HEAD = "#!/usr/bin/env bash\nset -euo pipefail\n"


def test_a_script_gets_its_first_lines() -> None:
    assert repair("bash", "ls\n") == Repaired(
        f"{HEAD}ls\n", ("added the shebang line", "added set -euo pipefail")
    )
    assert repair("bash", "#!/bin/bash\nls\n").code == "#!/bin/bash\nset -euo pipefail\nls\n"


@pytest.mark.parametrize(
    "code", [f"{HEAD}ls\n", "#!/bin/sh\nset -e\nls\n", "#!/bin/sh\nset -eu\nls\n"]
)
def test_lines_that_are_there_stay(code: str) -> None:
    assert repair("bash", code) == Repaired(code)


@pytest.mark.parametrize(
    ("line", "fixed", "code"),
    [
        ("rm -- $file", 'rm -- "$file"', 2086),
        ("cp $a $b", 'cp "$a" "$b"', 2086),
        ("cp $a$b /tmp", 'cp "$a""$b" /tmp', 2086),
        ("ls ${dir}/x", 'ls "${dir}"/x', 2086),
        ('for x in "${xs[@]}"; do echo $x; done', 'for x in "${xs[@]}"; do echo "$x"; done', 2086),
        ("ls ${xs[@]}", 'ls "${xs[@]}"', 2068),
        ('read answer; echo "$answer"', 'read -r answer; echo "$answer"', 2162),
        ('now=`date`; echo "$now"', 'now=$(date); echo "$now"', 2006),
    ],
)
def test_shellchecks_fixes_that_keep_the_meaning(line: str, fixed: str, code: int) -> None:
    given = f'{HEAD}file=$1; dir=$1; a=$1; b=$1; xs=("$@")\n{line}\n'
    repaired = repair("bash", given)
    assert repaired.code == given.replace(line, fixed)
    assert repaired.fixes == (f"ShellCheck's fix for SC{code}",)


@pytest.mark.parametrize(
    "line",
    [
        # Several words are meant to be several.
        "pids=$(pgrep x); kill $pids",
        "OPTS=$1; ls $OPTS",
        "ls $*",
        # What ShellCheck only warns of.
        "x=1",
        "ls | grep a",
    ],
)
def test_other_lines_stay_as_they_are(line: str) -> None:
    code = f"{HEAD}{line}\n"
    assert repair("bash", code) == Repaired(code)


def test_a_script_that_does_not_parse_stays_as_it_is() -> None:
    code = f"{HEAD}if true; then\n"
    assert repair("bash", code) == Repaired(code)


def test_ruff_removes_what_is_unused() -> None:
    repaired = repair("python", "import os\nimport sys\n\nprint(sys.argv)\n")
    assert repaired == Repaired("import sys\n\nprint(sys.argv)\n", ("ruff's safe fixes",))


@pytest.mark.parametrize("code", ["print(1)\n", "def f(:\n", ""])
def test_python_that_ruff_cannot_better_stays(code: str) -> None:
    assert repair("python", code) == Repaired(code)


def test_yaml_is_not_indented_by_tabs() -> None:
    assert repair("kubernetes", "a:\n\tb: 'c\td'\n") == Repaired(
        "a:\n  b: 'c\td'\n", ("tabs made blanks",)
    )
    assert repair("ansible", "a: 1\n") == Repaired("a: 1\n")


@pytest.mark.parametrize("language", ["sql", "promql", "systemd", "nginx"])
def test_other_languages_stay(language: str) -> None:
    assert repair(language, "\tx\n") == Repaired("\tx\n")  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["bash", "python"])
def test_without_tools_nothing_is_lost(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> str:
        raise CheckerUnavailable("not installed")

    monkeypatch.setattr(assistant.coding.repair, "find_program", missing)
    code = f"{HEAD}rm $x\n"
    assert repair(language, code) == Repaired(code)  # type: ignore[arg-type]


@pytest.mark.parametrize("output", ["", "no JSON", "[]", "{}"])
def test_an_answer_that_is_not_shellchecks_fixes_nothing(
    output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        assistant.coding.repair, "run_checker", lambda *_: CheckerRun(0, output, "")
    )
    assert repair("bash", f"{HEAD}rm $x\n") == Repaired(f"{HEAD}rm $x\n")
