"""Links that lead nowhere."""

import os

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Delete all broken symbolic links below the folder sites and print the path of each one that you
delete. Leave all working links and all other files alone.
"""


def setup(place: Place) -> None:
    place.write("sites/available/shop.conf", "1")
    place.link("sites/enabled/shop.conf", "../available/shop.conf")
    place.link("sites/enabled/old shop.conf", "../available/old.conf")
    place.link("sites/enabled/chain", "gone")
    place.link("sites/folder", "available")
    place.link("sites/gone", "/nonexistent/file")
    place.link("broken", "nothing")
    place.write("sites/empty")


def check(after: Outcome) -> None:
    gone = ("sites/enabled/old shop.conf", "sites/enabled/chain", "sites/gone")
    after.removed(*gone)
    for name in ("sites/enabled/shop.conf", "sites/folder", "broken"):
        assert os.path.lexists(after.folder / name), f"the link {name} is gone"
    after.kept("sites/available/shop.conf", "sites/empty")
    for name in gone:
        assert name.rsplit("/", 1)[-1] in after.stdout, f"{name} is not in the output"


REFERENCE = "find sites -xtype l -print -delete"

WRONG = (
    "find sites -type l -print -delete",
    "for l in $(find sites -xtype l); do echo $l; rm -f $l; done",
)
