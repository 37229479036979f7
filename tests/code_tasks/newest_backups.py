"""Keep the last few, by the date in the name."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
The folder backups has files named db-YYYY-MM-DD.sql.gz. Keep the 3 newest by the date in the name
and delete the others. The times of modification are not reliable. Do not delete anything else.
"""


def setup(place: Place) -> None:
    dates = ("2025-12-31", "2026-01-01", "2026-01-15", "2026-02-28", "2026-02-09", "2025-02-28")
    for days_old, date in enumerate(dates):
        place.write(f"backups/db-{date}.sql.gz", date, days_old=days_old)
    place.write("backups/db-latest.sql.gz", "a hand-made copy")
    place.write("backups/db-2024-01-01.sql.gz.keep", "keep")
    place.write("backups/files-2024-01-01.tar.gz", "files")


def check(after: Outcome) -> None:
    kept = ("2026-01-15", "2026-02-28", "2026-02-09")
    after.only(
        *(f"backups/db-{date}.sql.gz" for date in kept),
        "backups/db-latest.sql.gz",
        "backups/db-2024-01-01.sql.gz.keep",
        "backups/files-2024-01-01.tar.gz",
    )


REFERENCE = """
cd backups || exit 1
ls -1 db-[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].sql.gz | sort -r | tail -n +4 | xargs -r rm --
"""

WRONG = (
    "cd backups && ls -t db-*.sql.gz | tail -n +4 | xargs rm",
    "cd backups && ls db-*.sql.gz | sort -r | tail -n +4 | xargs rm",
    "cd backups && ls | sort -r | tail -n +4 | xargs rm",
)
