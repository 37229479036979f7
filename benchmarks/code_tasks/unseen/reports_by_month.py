"""A folder in which nobody finds anything any more."""

import time
from datetime import datetime

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Move the files in reports into subfolders by the month in which they were last modified, e.g.
reports/2024-03.
"""

# In the middle of a month, so that no time zone makes another one of it.
_DATES = {
    "weekly.pdf": (2024, 3, 15),
    "capacity plan.xlsx": (2024, 3, 20),
    "summary-2024-01.txt": (2023, 12, 10),
    "audit.csv": (2025, 1, 12),
}


def _days_old(date: tuple[int, int, int]) -> float:
    return (time.time() - datetime(*date, 12).timestamp()) / 86_400


def setup(place: Place) -> None:
    for name, date in _DATES.items():
        place.write(f"reports/{name}", name, days_old=_days_old(date))
    place.write("reports/2023-12/kept.pdf", "kept", days_old=_days_old((2023, 12, 14)))
    place.write("other.txt", "other", days_old=_days_old((2024, 3, 15)))


def check(after: Outcome) -> None:
    expected = {
        "reports/2024-03/weekly.pdf": b"weekly.pdf",
        "reports/2024-03/capacity plan.xlsx": b"capacity plan.xlsx",
        "reports/2023-12/summary-2024-01.txt": b"summary-2024-01.txt",
        "reports/2025-01/audit.csv": b"audit.csv",
        "reports/2023-12/kept.pdf": b"kept",
        "other.txt": b"other",
    }
    assert after.files == expected, f"the files are {sorted(after.files)}"


REFERENCE = """
for path in reports/*; do
  [[ -f $path ]] || continue
  month=$(date -r "$path" +%Y-%m)
  mkdir -p "reports/$month"
  mv -- "$path" "reports/$month/"
done
"""

WRONG = (
    "cd reports; for f in $(find . -maxdepth 1 -type f); do m=$(date -r $f +%Y-%m); "
    "mkdir -p $m; mv $f $m/; done",
    "cd reports; m=$(date +%Y-%m); mkdir -p $m; find . -maxdepth 1 -type f -exec mv {} $m \\;",
    'cd reports; for f in *.*; do m=$(date -r "$f" +%Y/%m); mkdir -p "$m"; mv "$f" "$m"; done',
    'for f in reports/*; do [ -f "$f" ] || continue; m=$(date -r "$f" +%Y-%m); mkdir -p "$m"; '
    'mv "$f" "$m/"; done',
    'for f in reports/*; do [ -f "$f" ] || continue; m=$(date -r "$f" +%Y-%m); mv "$f" '
    '"reports/$m"; done',
)
