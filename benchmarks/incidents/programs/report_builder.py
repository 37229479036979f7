"""report-builder: turnover by region, one database connection for each region."""

from __future__ import annotations

import os
import time

import psycopg
from logs import open_log

REGIONS = (
    *("at", "be", "bg", "ch", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr", "hr", "hu"),
    *("ie", "it", "lt", "lu", "lv", "nl", "no", "pl", "pt", "ro", "se", "si", "sk", "uk"),
)

log = open_log("report-builder", "logfmt")


def main() -> None:
    """Build today's report, region by region."""
    log.info("building report", extra={"report": "turnover", "regions": len(REGIONS)})
    connections = {}
    for region in REGIONS:
        try:
            connections[region] = psycopg.connect(
                os.environ["DSN"], application_name="report-builder", autocommit=True
            )
        except psycopg.OperationalError as error:
            problem = " ".join(str(error).split())
            log.warning("region postponed", extra={"region": region, "error": problem})
            continue
        row = connections[region].execute("select sum(amount_cents) from orders").fetchone()
        total = row[0] if row else 0
        log.info("region opened", extra={"region": region, "cents": total})
        time.sleep(0.4)
    log.info("waiting for exchange rates", extra={"provider": "rates.example"})
    time.sleep(3600)


if __name__ == "__main__":
    main()
