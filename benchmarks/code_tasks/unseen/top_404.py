"""What is asked for and not there."""

import re

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
show me the five paths in access.log that got a 404 most often, with how many times each
"""

_MISSING = {
    "/favicon.ico": 12,
    "/wp-login.php": 9,
    "/old/index.html": 7,
    "/img/logo.png": 5,
    "/api/v0/status": 4,
    "/.env": 2,
    "/robots.txt": 1,
}


def _line(number: int, path: str, status: int, size: int, referrer: str) -> str:
    return (
        f"10.0.0.{number % 7} - - [11/Mar/2024:02:{number % 60:02}:00 +0000] "
        f'"GET {path} HTTP/1.1" {status} {size} "{referrer}" "curl/8.0"\n'
    )


def setup(place: Place) -> None:
    wanted = [(path, 404, 153, "-") for path, count in _MISSING.items() for _ in range(count)]
    others = [
        *[("/health", 200, 404, "-")] * 14,
        *[("/errors/404.html", 200, 900, "-")] * 10,
        *[("/shop", 500, 21, "/errors/404.html")] * 8,
        *[("/img/logo.png", 200, 5000, "-")] * 3,
    ]
    entries = [*wanted, *others]
    shuffled = [entries[index * 37 % len(entries)] for index in range(len(entries))]
    place.write(
        "access.log", "".join(_line(number, *entry) for number, entry in enumerate(shuffled))
    )


def check(after: Outcome) -> None:
    found = {}
    for line in after.lines:
        path = next((token.strip(":,") for token in line.split() if token.startswith("/")), "")
        if path:
            found[path] = [int(number) for number in re.findall(r"\d+", line.replace(path, " "))]
    expected = {path: [count] for path, count in list(_MISSING.items())[:5]}
    assert found == expected, f"it found {found}"


REFERENCE = """
awk '$9 == 404 { count[$7]++ } END { for (path in count) print count[path], path }' access.log |
  sort -rn | head -n 5
"""

WRONG = (
    "grep 404 access.log | awk '{print $7}' | sort | uniq -c | sort -rn | head -5",
    "grep ' 404 ' access.log | awk '{print $7}' | sort | uniq -c | sort -rn | head -5",
    "awk '$9 == 404 {print $7}' access.log | sort | uniq -c | sort -rn",
    "awk '$9 == 404 {print $7}' access.log | sort | uniq -c | sort -n | head -5",
    "awk '$9 == 404 {print $7}' access.log | uniq -c | sort -rn | head -5",
    "awk '$9 == 404 {print $1}' access.log | sort | uniq -c | sort -rn | head -5",
)
