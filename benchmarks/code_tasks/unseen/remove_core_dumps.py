"""Old core files only, although much else is called like them."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Clean up the dumps folder: delete the core files (core.<pid>, for example core.4711) that are more
than 3 days old and nothing else.
"""

_OLD = ("dumps/core.4711", "dumps/core.99", "dumps/core.1")
_KEPT = {
    "dumps/core.812": 1,
    "dumps/core.5000": 2.5,
    "dumps/core.conf": 20,
    "dumps/core": 20,
    "dumps/core.12.gz": 20,
    "dumps/hardcore.77": 20,
    "dumps/heap.4711": 20,
    "core.30": 20,
}


def setup(place: Place) -> None:
    for name in _OLD:
        place.write(name, "dump", days_old=4.5)
    for name, days_old in _KEPT.items():
        place.write(name, "kept", days_old=days_old)


def check(after: Outcome) -> None:
    after.removed(*_OLD)
    after.kept(*_KEPT)


REFERENCE = r"""
find dumps -maxdepth 1 -type f -regextype posix-extended -regex '.*/core\.[0-9]+' -mtime +3 -delete
"""

WRONG = (
    "find dumps -type f -name 'core.*' -mtime +3 -delete",
    "find dumps -type f -name 'core.[0-9]*' -mtime +3 -delete",
    "find dumps -type f -regex '.*/core\\.[0-9]+' -mtime -3 -delete",
    "find dumps -type f -regex '.*core\\.[0-9]+' -mtime +3 -delete",
    "find . -type f -regex '.*/core\\.[0-9]+' -mtime +3 -delete",
    "find dumps -type f -regex '.*/core\\.[0-9]+' -delete",
)
