"""When did it begin: server errors by minute."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Count the requests with a 5xx status per minute in access.log (nginx combined format). Print one
line per minute that has any, in order of time: the minute as it stands in the log, like
01/Mar/2026:10:15, a space, and the count.
"""

_LINE = '10.0.0.{n} - - [01/Mar/2026:{at} +0000] "{request}" {status} {size} "-" "curl/8"\n'
_REQUESTS = (
    ("10:14:59", "GET /a HTTP/1.1", 200, 512),
    ("10:15:00", "GET /a HTTP/1.1", 500, 17),
    ("10:15:30", "GET /report/502 HTTP/1.1", 200, 503),
    ("10:15:59", "POST /pay HTTP/1.1", 503, 0),
    ("10:16:10", "GET /a?code=500 HTTP/1.1", 404, 500),
    ("10:16:30", "GET /a HTTP/1.1", 301, 5000),
    ("10:17:01", "GET /a HTTP/1.1", 504, 170),
    ("11:00:00", "GET /b HTTP/1.1", 502, 170),
    ("11:00:01", "GET /b HTTP/1.1", 502, 170),
    ("11:00:02", "GET /b HTTP/1.1", 502, 170),
)


def setup(place: Place) -> None:
    lines = [
        _LINE.format(n=n, at=at, request=request, status=status, size=size)
        for n, (at, request, status, size) in enumerate(_REQUESTS)
    ]
    place.write("access.log", "".join(lines).rstrip("\n"))


def check(after: Outcome) -> None:
    after.said(["01/Mar/2026:10:15 2", "01/Mar/2026:10:17 1", "01/Mar/2026:11:00 3"])


REFERENCE = """
awk '$9 ~ /^5[0-9][0-9]$/ {
       minute = substr($4, 2, 17)
       if (!(minute in n)) order[++k] = minute
       n[minute]++
     }
     END { for (i = 1; i <= k; i++) print order[i], n[order[i]] }' access.log
"""

WRONG = (
    "grep ' 50' access.log | cut -d'[' -f2 | cut -c1-17 | sort | uniq -c | awk '{print $2, $1}'",
    "awk '$9 >= 500 {print substr($4, 2, 17)}' access.log | sort | uniq -c",
)
