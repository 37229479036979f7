"""Rotate by hand, without losing a generation."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Rotate app.log by hand and keep 3 old generations: app.log.2 becomes app.log.3 (the old app.log.3
is dropped), app.log.1 becomes app.log.2, app.log becomes app.log.1, and a new empty app.log is
created.
"""


def setup(place: Place) -> None:
    for suffix in ("", ".1", ".2", ".3"):
        place.write(f"app.log{suffix}", f"generation {suffix}\n")
    place.write("app.log.old", "not ours\n")


def check(after: Outcome) -> None:
    assert after.read("app.log") == "", "the new app.log is not empty"
    for older, newer in ((".1", ""), (".2", ".1"), (".3", ".2")):
        expected = after.before[f"app.log{newer}"]
        assert after.files.get(f"app.log{older}") == expected, (
            f"app.log{older} is not the former app.log{newer}"
        )
    after.kept("app.log.old")
    after.only("app.log", "app.log.1", "app.log.2", "app.log.3", "app.log.old")


REFERENCE = """
set -e
mv -f app.log.2 app.log.3
mv -f app.log.1 app.log.2
mv app.log app.log.1
: > app.log
"""

WRONG = (
    "mv app.log app.log.1; mv app.log.1 app.log.2; mv app.log.2 app.log.3; touch app.log",
    """
for i in 1 2 3; do mv app.log.$i app.log.$((i+1)); done; mv app.log app.log.1; touch app.log
""",
)
