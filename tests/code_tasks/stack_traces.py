"""The traces, without what stands between them."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Extract the Java stack traces from app.log into traces.txt. A trace is a line that contains
"Exception" and all lines directly below it that begin with a tab and "at ", or with "Caused by:",
or with a tab and "... ". Write the traces one after the other, and nothing else.
"""

_TRACES = (
    "2026-03-01 10:00:01 ERROR java.lang.IllegalStateException: pool is closed\n"
    "\tat shop.Pool.take(Pool.java:41)\n\tat shop.Cart.add(Cart.java:12)\n"
    "Caused by: java.io.IOException: reset\n\tat net.Socket.read(Socket.java:9)\n\t... 12 more\n",
    "2026-03-01 10:00:05 WARN java.net.SocketTimeoutException: 30000 ms\n"
    "\tat net.Http.get(Http.java:77)\n",
)


def setup(place: Place) -> None:
    place.write(
        "app.log",
        "2026-03-01 10:00:00 INFO started at 10:00\n"
        + _TRACES[0]
        + "2026-03-01 10:00:02 INFO\tat peace\n2026-03-01 10:00:03 ERROR no trace here\n"
        + "\tat an.Orphan.line(Orphan.java:1)\n"
        + _TRACES[1].rstrip("\n"),
    )


def check(after: Outcome) -> None:
    expected = "".join(_TRACES).splitlines()
    found = [line for line in after.read_lines("traces.txt") if line.strip()]
    assert found == expected, f"traces.txt is {found}"
    after.kept("app.log")


REFERENCE = """
awk '/^Caused by:/ || /^\\t(at |\\.\\.\\. )/ { if (inside) print; next }
     { inside = /Exception/ }
     inside' app.log > traces.txt
"""

WRONG = (
    "grep -E 'Exception|^\\s+at |Caused by:' app.log > traces.txt",
    "grep -A 3 Exception app.log > traces.txt",
)
