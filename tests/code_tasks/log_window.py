"""Only what happened around the incident."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
From service.log write all lines from 2026-03-01 02:10:00 up to and including 2026-03-01 02:20:00
to window.log. Each entry begins with a time like "2026-03-01 02:10:00". Lines without a time,
such as stack traces, belong to the entry before them.
"""


def setup(place: Place) -> None:
    place.write(
        "service.log",
        "2026-03-01 02:09:59 INFO before\n    at before.Trace\n"
        "2026-03-01 02:10:00 ERROR first\n    at first.Trace\n\tat 2026-03-01 09:00:00 in a text\n"
        "2026-03-01 02:15:00 INFO middle\n\n"
        "2026-03-01 02:20:00 ERROR last\nCaused by: something\n"
        "2026-03-01 02:20:01 INFO after\n    at after.Trace\n"
        "2026-03-02 02:15:00 INFO next day",
    )


def check(after: Outcome) -> None:
    lines = after.before["service.log"].decode().splitlines()[2:9]
    found = after.read_lines("window.log")
    # The blank line may be taken for an end of the entry or not.
    assert [line for line in found if line] == [line for line in lines if line], (
        f"window.log is {found}"
    )
    after.kept("service.log")


REFERENCE = """
awk '/^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] / {
       time = $1 " " $2
       inside = time >= "2026-03-01 02:10:00" && time <= "2026-03-01 02:20:00"
     }
     inside' service.log > window.log
"""

WRONG = (
    "sed -n '/2026-03-01 02:10:00/,/2026-03-01 02:20:00/p' service.log > window.log",
    'awk \'$2 >= "02:10:00" && $2 <= "02:20:00"\' service.log > window.log',
)
