"""checkout and stock-sync: both change quantities in the table stock, many rows at a time."""

from __future__ import annotations

import os
import random
import time

import psycopg
from logs import open_log

IS_CHECKOUT = os.environ["ORDER"] == "basket"
NAME = "checkout" if IS_CHECKOUT else "stock-sync"

log = open_log(f"com.shop.{NAME.replace('-', '.')}.Reservations", "log4j")


def skus(dice: random.Random) -> list[int]:
    """What a basket holds, as the customer put it in; or the warehouse's list, newest first."""
    if IS_CHECKOUT:
        return dice.sample(range(1, 61), 3)
    return sorted(dice.sample(range(1, 61), 25), reverse=True)


def change(connection: psycopg.Connection[object], chosen: list[int], number: int) -> None:
    """Reserve or correct the quantity of each article, in one transaction."""
    try:
        with connection.transaction():
            for sku in chosen:
                connection.execute(
                    "update stock set quantity = quantity - 1 where sku = %s", (sku,)
                )
                time.sleep(0.02)
        log.info("%s %d: %d articles", "basket" if IS_CHECKOUT else "batch", number, len(chosen))
    except psycopg.Error as error:
        log.error("basket or batch %d rolled back: %s", number, str(error).strip())


def main() -> None:
    """Work for ever."""
    dice = random.Random(NAME)
    with psycopg.connect(os.environ["DSN"], autocommit=True) as connection:
        log.info("%s connected to database shop", NAME)
        number = 4000
        while True:
            number += 1
            change(connection, skus(dice), number)
            time.sleep(dice.uniform(0.05, 0.3) if IS_CHECKOUT else dice.uniform(0.5, 1.5))


if __name__ == "__main__":
    main()
