"""Which errors are there at all: one line for each message."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
From app.log, take the lines of level ERROR and list the different messages, each once, with how
often it occurs. A line looks like "2026-03-01 10:00:00 ERROR message". Print the count, a space
and the message, the most frequent first.
"""


def setup(place: Place) -> None:
    place.write(
        "app.log",
        "2026-03-01 10:00:00 ERROR connection refused: db-1:5432\n"
        "2026-03-01 10:00:01 INFO no ERROR so far\n"
        "2026-03-01 10:00:02 ERROR disk full\n"
        "2026-03-01 10:00:03 ERROR connection refused: db-1:5432\n"
        "\n"
        "2026-03-01 10:00:04 WARN ERROR budget low\n"
        "2026-03-01 10:00:05 ERROR connection refused: db-1:5432\n"
        "2026-03-01 10:00:06 ERROR timeout after 30 s\n"
        "2026-03-01 10:00:07 ERROR disk full",
    )


def check(after: Outcome) -> None:
    after.said(["3 connection refused: db-1:5432", "2 disk full", "1 timeout after 30 s"])


REFERENCE = """
awk '$3 == "ERROR"' app.log | cut -d' ' -f4- | sort | uniq -c | sort -rn | sed 's/^ *//'
"""

WRONG = (
    "grep ERROR app.log | cut -d' ' -f4- | sort | uniq -c | sort -rn",
    "awk '$3 == \"ERROR\" {print $4}' app.log | sort | uniq -c | sort -rn",
)
