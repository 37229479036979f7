"""The commands of a script wherever they stand, and what is known of its variables."""

import pytest

from tools.code.shell.script import read_script

COMMANDS = [
    ("rm -rf a", ["rm"]),
    ("sudo -u x nice -n 5 timeout 5 /bin/rm a", ["rm"]),
    ("env A=1 B=2 rm a", ["rm"]),
    ("ssh -p 22 host 'rm a; ls'", ["ssh", "rm", "ls"]),
    ("ssh host <<'EOF'\nreboot\nEOF", ["ssh", "reboot"]),
    ('bash -lc "rm a"', ["bash", "rm"]),
    ("bash <<EOF\nrm a\nEOF", ["bash", "rm"]),
    ("su - app -c 'rm a'", ["su", "rm"]),
    ("find . -exec rm {} \\;", ["find", "rm"]),
    ("ls | xargs -n 1 rm", ["ls", "rm"]),
    ("trap 'rm a' EXIT", ["trap", "rm"]),
    ("kubectl -n x exec pod -- rm a", ["kubectl", "rm"]),
    ("ssh a \"ssh b 'rm c'\"", ["ssh", "ssh", "rm"]),
    ("echo $(rm a)", ["echo", "rm"]),
    ("if ! rm a; then ls; fi", ["rm", "ls"]),
    ("f() { rm a; }", ["rm"]),
    ("# rm a\necho 'rm a'", ["echo"]),
    ("> file", [""]),
    ("A=1", []),
]

INPUTS = [
    ("psql <<EOF\nSELECT 1;\nEOF\n", "psql", "SELECT 1;\n"),
    ("cat <<'SQL' | psql app\nSELECT 1;\nSQL\n", "psql", "SELECT 1;\n"),
    ('psql <<< "SELECT 1"', "psql", "SELECT 1"),
]

VARIABLES = [
    ('rm "$x"', True),
    ("x=/srv\nrm $x", False),
    ("x=$1\nrm $x", True),
    ('x=${1:?usage}\nrm "$x"', False),
    ('rm "${x:?}"', False),
    ('rm "${x:-/tmp/y}"', False),
    ('x=$(mktemp -d)\nrm "$x"', False),
    ('x=$(cat list)\nrm "$x"', True),
    ('[ -n "$x" ] || exit 1\nrm "$x"', False),
    ('[[ -d $x ]] && rm "$x"', False),
    ('for x in *; do rm "$x"; done', False),
    ('[ $# -eq 1 ] || exit 2\nx=$1\nrm "$x"', False),
    ('y=$1\nx=$y\nrm "$x"', True),
    ('x=/srv/$1\nrm "$x"', False),
    ("ssh h 'x=/srv; rm $x'", False),
]


@pytest.mark.parametrize(("code", "names"), COMMANDS)
def test_commands_are_found_wherever_they_stand(code: str, names: list[str]) -> None:
    assert [command.name for command in read_script(code).commands] == names


@pytest.mark.parametrize(("code", "name", "text"), INPUTS)
def test_what_a_command_reads_is_known(code: str, name: str, text: str) -> None:
    found = [command.stdin for command in read_script(code).commands if command.name == name]
    assert found == [text]


@pytest.mark.parametrize(("code", "may_be_empty"), VARIABLES)
def test_what_a_variable_may_be(code: str, may_be_empty: bool) -> None:
    script = read_script(code)
    removal = next(command for command in script.commands if command.name == "rm")
    leading = removal.arguments[0].leading
    assert leading is not None
    assert script.variables.may_be_empty(leading) is may_be_empty


@pytest.mark.parametrize(
    ("code", "path"),
    [("d=/etc\nrm -r $d/x", "/etc/x"), ("d=a; d=b\nrm $d/x", "$d/x"), ("rm ${d%/}/x", "${d%/}/x")],
)
def test_words_are_resolved_where_the_script_says_them(code: str, path: str) -> None:
    script = read_script(code)
    removal = next(command for command in script.commands if command.name == "rm")
    assert script.variables.resolved(removal.own_options.rest[0]) == path


def test_the_options_of_a_script() -> None:
    assert read_script("#!/bin/bash -eu\n").stops_on_error
    assert read_script("set -o errexit\n").stops_on_error
    assert read_script("set -euo pipefail\n").sees_pipe_failures
    assert read_script("set -euo pipefail\n").refuses_unset
    assert not read_script("ssh host 'set -e'\n").stops_on_error


def test_a_command_in_a_string_is_told_where_the_string_stands() -> None:
    script = read_script("echo\nssh host 'true\nrm -rf /x'\n")
    removal = script.commands[-1]
    assert (removal.name, removal.line, removal.is_inner) == ("rm", 2, True)
    assert removal.text in script.code
    assert removal.wrappers == ("ssh",)
