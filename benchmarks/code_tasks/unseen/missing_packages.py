"""What is wanted and not there."""

import re

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
wanted.txt and installed.txt each have one package name per line, in no particular order. Print the
packages that are wanted but not installed.
"""

_WANTED = ["nginx", "curl", "python3", "g++", "openssl", "htop", "rsync", "jq"]
_INSTALLED = ["rsync", "libcurl4", "python3-venv", "openssl", "bash", "nginx", "htop-common", "g++"]


def setup(place: Place) -> None:
    place.write("wanted.txt", "\n".join(_WANTED) + "\n")
    place.write("installed.txt", "\n".join(_INSTALLED) + "\n")


def check(after: Outcome) -> None:
    named = set(re.split(r"[\s,]+", after.stdout)) & {*_WANTED, *_INSTALLED}
    expected = {"curl", "python3", "htop", "jq"}
    assert named == expected, f"the output names {sorted(named)}"
    after.kept("wanted.txt", "installed.txt")


REFERENCE = """
comm -23 <(sort -u wanted.txt) <(sort -u installed.txt)
"""

WRONG = (
    "comm -23 wanted.txt installed.txt 2>/dev/null",
    "grep -vFxf wanted.txt installed.txt",
    "diff <(sort wanted.txt) <(sort installed.txt) | sed -n 's/^[<>] //p'",
    'while read -r p; do grep -q "$p" installed.txt || echo "$p"; done < wanted.txt',
)
