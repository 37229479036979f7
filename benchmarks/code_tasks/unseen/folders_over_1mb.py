"""Who takes the space."""

import re

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Which folders directly under home use more than 1 MB? I want the size and the name, the biggest at
the top.
"""

_BIG = ["ben", "anna", "dora"]
_OTHERS = ("carl", "eve", "backup.img", "anna/mail", "ben/a", "ben/a/b")


def setup(place: Place) -> None:
    place.write("home/anna/mail/inbox", b"m" * 2_600_000)
    place.write("home/anna/todo", b"t" * 400_000)
    place.write("home/ben/a/b/video", b"v" * 11_000_000)
    place.write("home/carl/cat.jpg", b"c" * 200_000)
    place.write("home/dora/x/one", b"1" * 900_000)
    place.write("home/dora/y/two", b"2" * 900_000)
    place.write("home/backup.img", b"i" * 2_000_000)
    place.folders("home/eve")


def check(after: Outcome) -> None:
    found = []
    for line in after.lines:
        tokens = [_name(token) for token in line.split()]
        names = [token for token in tokens if token in (*_BIG, *_OTHERS)]
        if re.fullmatch(r"(\S*\d\S* )?home( \S*\d\S*)?", " ".join(tokens)):
            names.append("home")
        if names:
            assert any(character.isdigit() for character in line), f"{line} has no size"
            found.extend(names)
    assert found == _BIG, f"it lists {found}"


def _name(token: str) -> str:
    path = token.strip(":,'\"").removeprefix("/sandbox/").removeprefix("./").rstrip("/")
    return path.removeprefix("home/")


REFERENCE = """
find home -mindepth 1 -maxdepth 1 -type d -exec du -sk {} + | awk '$1 > 1024' | sort -rn
"""

WRONG = (
    "du -k home | awk '$1 > 1024' | sort -rn",
    "du -k -d 1 home | awk '$1 > 1024' | sort -rn",
    "du -sk home/* | awk '$1 > 1024' | sort -rn",
    "du -sh home/*/ | grep M | sort -r",
    "du -sk home/*/ | sort -rn",
    "find home -mindepth 1 -maxdepth 1 -type d -size +1M",
)
