"""rollup: adds up all orders, a hundred at a time so as to spare the disk."""

from __future__ import annotations

import os
import time

import psycopg


def main() -> None:
    """Add up, on a table that nobody changes meanwhile."""
    with psycopg.connect(os.environ["DSN"], application_name="rollup") as connection:
        connection.execute("lock table orders in share row exclusive mode")
        row = connection.execute("select count(*) from orders").fetchone()
        total, first = 0, 0
        while first < (row[0] if row else 0):
            page = connection.execute(
                "select amount_cents from orders order by id limit 100 offset %s", (first,)
            )
            total += sum(cents for (cents,) in page)
            first += 100
            time.sleep(0.11)


if __name__ == "__main__":
    main()
