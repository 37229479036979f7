"""The entrance: languages that are told apart, and checks that end whatever the code is."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.code.check import MAX_CODE_CHARS, check_code, detect_language
from tools.code.report import LANGUAGES, Language

DETECTED = [
    ("bash", "", "#!/bin/sh\necho hi\n"),
    ("bash", "", 'for f in *.log; do\n  gzip "$f"\ndone\n'),
    ("bash", "", "kubectl get pods -n shop | grep Crash"),
    ("bash", "", "set -euo pipefail\nfind /var -size +100M"),
    ("bash", "sh", "SELECT 1"),
    ("python", "", "#!/usr/bin/env python3\nx = 1\n"),
    ("python", "", "import os\nprint(os.getcwd())\n"),
    ("python", "report.py", "x = 1\n"),
    ("sql", "", "-- slow ones\nSELECT * FROM pg_stat_activity;"),
    ("sql", "", "UPDATE users SET a = 1 WHERE id = 2"),
    ("sql", "psql", "\\dt"),
    ("promql", "", "sum by (job) (rate(http_requests_total[5m])) > 5"),
    ("promql", "", 'up{job="api"} == 0'),
    ("promql", "", "node_load1 > 4"),
    ("kubernetes", "", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"),
    ("kubernetes", "deploy.yaml", "---\nkind: Pod\napiVersion: v1\n"),
    ("ansible", "yml", "- name: p\n  hosts: all\n  tasks: []\n"),
    ("ansible", "", "- name: Install\n  ansible.builtin.apt:\n    name: nginx\n"),
    ("yaml", "yaml", "a: 1\n"),
    ("yaml", "", "a:\n  - b\n  - c\n"),
    ("systemd", "", "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/x\n"),
    ("systemd", "app.service", "ExecStart=/bin/x\n"),
    ("nginx", "", "server {\n  listen 80;\n}\n"),
    ("nginx", "site.conf", "location / {\n  root /srv;\n}\n"),
]

# What the parser of each language would be ended by, or lost in, if it ran within us.
NESTED: list[tuple[Language, str]] = [
    ("bash", "$(" * 3_000),
    ("python", "(" * 40_000 + "1" + ")" * 40_000),
    ("python", "-" * 90_000 + "1"),
    ("sql", "SELECT " + "(" * 20_000 + "1" + ")" * 20_000),
    ("promql", "(" * 45_000 + "1" + ")" * 45_000),
    ("promql", "1" + "+1" * 20_000),
    ("kubernetes", "[" * 50_000),
    ("ansible", "- " * 40_000 + "a"),
    ("yaml", "{a: " * 20_000),
    ("systemd", "[" * 90_000),
    ("nginx", "a {" * 30_000),
    *((language, "\x00\ud800\x1b[2J\u202e") for language in LANGUAGES),
]


@pytest.mark.parametrize(("language", "hint", "code"), DETECTED)
def test_languages_are_told_apart(language: str, hint: str, code: str) -> None:
    assert detect_language(code, hint) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_check(language: Language) -> None:
    report = check_code(language, "x\n")
    assert report.language == language
    assert report.checked_by
    assert check_code(language, " \n").problems[0].code == "empty"


def test_a_report_comes_sorted_and_each_finding_once() -> None:
    report = check_code("bash", "rm -rf $A/x; rm -rf $A/x\ncd /x\nrm -rf $B/y\n")
    lines = [problem.line or 0 for problem in report.problems]
    assert lines == sorted(lines)
    assert len(report.problems) == len(set(report.problems))
    assert [danger.line for danger in report.dangers] == [1, 3]
    assert report.touches == ("deletes $A/x", "deletes $B/y")


def test_code_that_is_too_long_is_refused() -> None:
    report = check_code("bash", "echo\n" * MAX_CODE_CHARS)
    assert [problem.code for problem in report.problems] == ["too-long"]


@pytest.mark.parametrize(("language", "code"), NESTED, ids=range(len(NESTED)))
def test_no_code_ends_us(language: Language, code: str) -> None:
    report = check_code(language, code, limit_s=5)
    assert report.problems or report.not_checked


def test_a_check_that_takes_too_long_is_told() -> None:
    report = check_code("bash", "echo hi\n", limit_s=0.001)
    assert len(report.not_checked) == 1
    assert "took longer than 0.001 s" in report.not_checked[0]
    assert report.checked_by == ()


def hostile_codes(folder: Path) -> list[tuple[Language, str]]:
    """Code that would leave a file in `folder` if any part of it were carried out."""
    mark = f"{folder}/ran"
    return [
        ("bash", f"touch {mark}\n$(touch {mark})\nset +n\ntouch {mark}\n"),
        ("bash", f"# shellcheck source={mark}\n. {mark}\ntrap 'touch {mark}' EXIT DEBUG\n"),
        ("python", f"import pathlib\npathlib.Path('{mark}').touch()\n"),
        ("python", f"# ruff: output-file = '{mark}'\nopen('{mark}', 'w')\n"),
        ("sql", f"COPY t TO PROGRAM 'touch {mark}';\n\\! touch {mark}\n"),
        ("yaml", f"a: !!python/object/apply:os.system ['touch {mark}']\n"),
        ("ansible", f"- hosts: all\n  tasks:\n    - shell: touch {mark}\n"),
        ("kubernetes", f"apiVersion: v1\nkind: ../../../{mark}\nmetadata: {{name: x}}\n"),
        (
            "systemd",
            f"[Service]\nExecStartPre=/usr/bin/touch {mark}\nExecStart=/usr/bin/touch "
            f"{mark}\n"
            f"StandardOutput=file:{mark}\n",
        ),
        (
            "nginx",
            f"error_log {mark}; pid {mark};\nevents {{}}\nhttp {{ access_log {mark};\n"
            f"client_body_temp_path {mark}; proxy_cache_path {mark} keys_zone=a:1m;\n"
            f'map $uri $x {{ "a; include {mark}; error_log {mark}" b; }}\n'
            f"server {{ listen unix:{mark}; location / {{ root /srv; dav_methods PUT; }} }} }}\n",
        ),
        (
            "nginx",
            f"events {{}}\nhttp "
            f'{{ server {{ listen 80; return 200 "\\"; error_log {mark}; #"; }} }}\n',
        ),
    ]


@pytest.mark.parametrize("index", range(11))
def test_nothing_of_the_code_is_carried_out(tmp_path: Path, index: int) -> None:
    language, code = hostile_codes(tmp_path)[index]
    assert check_code(language, code).checked_by
    assert list(tmp_path.iterdir()) == []


def test_no_configuration_of_the_working_folder_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".shellcheckrc").write_text("disable=all\n")
    (tmp_path / "ruff.toml").write_text("[lint]\nignore = ['F821']\n")
    (tmp_path / "json.py").write_text("raise SystemExit('taken from the working folder')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHELLCHECK_OPTS", "-e SC2164")
    monkeypatch.setenv("BASH_ENV", str(tmp_path / "env.sh"))
    (tmp_path / "env.sh").write_text(f"touch {tmp_path}/ran\n")
    assert "SC2164" in {one.code for one in check_code("bash", "cd /x\nls\n").problems}
    assert "F821" in {one.code for one in check_code("python", "print(nothing)\n").problems}
    assert not (tmp_path / "ran").exists()


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    for language in LANGUAGES:
        check_code(language, "server { listen 80; }\n")
    assert list(tmp_path.iterdir()) == []


def test_the_entrance_loads_no_parser() -> None:
    libraries = "sqlglot promql_parser tree_sitter crossplane kubernetes_validate jsonschema yaml"
    code = f"import sys, tools.code.check; print(set(sys.modules) & set({libraries.split()!r}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
