"""Where the errors are, old logs included."""

import gzip
import re

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
There are .log files in logs, the older ones already gzipped as .log.gz. Write a report errors.txt
with each file's name and how many of its lines contain ERROR, most errors first, leaving out the
files that have none.
"""

_COUNTS = {"web.log": 11, "api-20240310.log.gz": 5, "api.log": 3, "job-20240309.log.gz": 2}


def _text(num_errors: int) -> bytes:
    # One line has the word twice, and the first two are no errors.
    lines = ["02:00 INFO start", "02:01 WARN no error yet"]
    lines += [f"02:{minute:02} ERROR failed" for minute in range(2, 2 + num_errors)]
    if num_errors:
        lines[-1] += " after another ERROR"
    return ("\n".join(lines) + "\n").encode()


def setup(place: Place) -> None:
    for name, count in {**_COUNTS, "db.log": 0, "web-20240310.log.gz": 0}.items():
        text = _text(count)
        place.write(f"logs/{name}", gzip.compress(text) if name.endswith(".gz") else text)
    place.write("logs/README.txt", "ERROR lines are bad\n")


def check(after: Outcome) -> None:
    after.kept(*after.before)
    name = "errors.txt" if "errors.txt" in after.files else "logs/errors.txt"
    found = []
    for line in after.read_lines(name):
        log = next((name for name in _names(after) if re.search(rf"(?<![\w-]){name}\b", line)), "")
        if log:
            found.append((log, *map(int, re.findall(r"\d+", line.replace(log, " ")))))
    assert found == list(_COUNTS.items()), f"errors.txt has {found}"


def _names(after: Outcome) -> list[str]:
    names = (path.removeprefix("logs/") for path in after.before)
    return sorted(names, key=len, reverse=True)


REFERENCE = """
for path in logs/*.log logs/*.log.gz; do
  [[ -e $path ]] || continue
  count=$(gzip -cdf "$path" | grep -c ERROR)
  if ((count > 0)); then
    echo "$count ${path##*/}"
  fi
done | sort -rn > errors.txt
"""

WRONG = (
    "grep -c ERROR logs/*.log logs/*.log.gz | awk -F: '$2 > 0 {print $2, $1}' | sort -rn "
    "> errors.txt",
    "zgrep -c ERROR logs/*.log logs/*.log.gz | awk -F: '{print $2, $1}' | sort -rn > errors.txt",
    "zgrep -c ERROR logs/*.log logs/*.log.gz | awk -F: '$2 > 0 {print $2, $1}' | sort -r "
    "> errors.txt",
    "zgrep -c ERROR logs/* | awk -F: '$2 > 0 {print $2, $1}' | sort -rn > errors.txt",
    "zgrep -ci ERROR logs/*.log* | awk -F: '$2 > 0 {print $2, $1}' | sort -rn > errors.txt",
    "for f in logs/*.log logs/*.gz; do n=$(zcat -f $f | grep -o ERROR | wc -l); "
    "[ $n -gt 0 ] && echo $n $f; done | sort -rn > errors.txt",
    "gunzip logs/*.gz; grep -c ERROR logs/*.log | awk -F: '$2 > 0 {print $2, $1}' | sort -rn "
    "> errors.txt",
)
