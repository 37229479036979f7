"""PostgreSQL and what its clients do to each other: locks, deadlocks, a migration that failed."""

from __future__ import annotations

import random
import subprocess

from benchmarks.incidents.incident import Evidence, Incident
from benchmarks.incidents.postgres import DSN, capture_activity, start_postgres
from benchmarks.incidents.scene import Scene, clock, now_iso
from benchmarks.incidents.visitors import Call, visit


def _lock(scene: Scene) -> None:
    start_postgres(scene, log_lock_waits="on", deadlock_timeout="1s")
    environment = {"DSN": f"{DSN} options='-c statement_timeout=4s'", "PORT": "8081"}
    scene.serve("orders_direct.py", "orders-api", environment=environment)
    scene.wait(1)
    visit(8081, 6, lambda dice: Call(f"/orders/{dice.randint(1, 2000)}"))
    scene.wait(20)
    # Somebody repairs an order by hand and goes for lunch before the commit.
    hand = subprocess.Popen(
        ["psql", "-q", "-h", "/run/postgresql", "-d", "shop", "-U", "shop"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        user="postgres",
    )
    assert hand.stdin is not None
    hand.stdin.write("begin;\nupdate orders set state = 'paid' where id = 1412;\n")
    hand.stdin.flush()
    scene.wait(12)
    scene.append("deploy.log", f"{now_iso()} deploy: orders-api 5.2.0: running migrations\n")
    scene.append("deploy.log", f"{now_iso()} migrate: applying 0031_orders_channel.sql\n")
    scene.start(
        "deploy.log",
        *("psql", "-h", "/run/postgresql", "-d", "shop"),
        *("-c", "alter table orders add column channel text"),
        user="postgres",
        environment={"PGAPPNAME": "migrate"},
    )
    scene.wait(35)
    capture_activity(scene)
    scene.capture("uptime.txt", "uptime; free -m")


def _deadlock(scene: Scene) -> None:
    start_postgres(scene, deadlock_timeout="500ms")
    for service, order in (("checkout", "basket"), ("stock-sync", "descending")):
        environment = {"DSN": f"{DSN} application_name={service}", "ORDER": order}
        scene.serve("stock.py", service, environment=environment)
    scene.wait(60)
    scene.capture(
        "pg_stat_database.txt",
        'psql -h /run/postgresql -d shop -x -c "select datname, xact_commit, xact_rollback,'
        " deadlocks, conflicts from pg_stat_database where datname = 'shop'\"",
        user="postgres",
    )
    capture_activity(scene)


def _migration(scene: Scene) -> None:
    start_postgres(scene)
    environment = {"DSN": DSN, "PORT": "8081", "VERSION": "6.0.3"}
    old = scene.serve("orders_direct.py", "orders-api", environment=environment)
    scene.wait(1)
    visit(8081, 8, _reads_and_writes)
    scene.wait(25)
    scene.note("deploy", clock())
    script = scene.write(
        "/srv/orders-api/migrations/0047_gift_notes.sql",
        "alter table orders add column gift_note text;\n"
        "create index orders_gift_note on orders (gift_note) where gift_note is not null;\n",
    )
    scene.append("deploy.log", f"{now_iso()} deploy: orders-api 6.1.0 (was 6.0.3) by ci\n")
    scene.append("deploy.log", f"{now_iso()} migrate: 1 pending: {script.name}\n")
    # The migration runs as the application's own role, which does not own the table.
    migration = scene.start(
        "deploy.log",
        *("psql", "-h", "/run/postgresql", "-U", "shop", "-d", "shop"),
        *("-v", "ON_ERROR_STOP=1", "-f", str(script)),
    )
    migration.wait()
    scene.append("deploy.log", f"{now_iso()} migrate: exit status {migration.returncode}\n")
    scene.append("deploy.log", f"{now_iso()} deploy: restarting orders-api\n")
    old.terminate()
    old.wait()
    environment |= {"VERSION": "6.1.0", "NOTE_COLUMN": "gift_note"}
    scene.serve("orders_direct.py", "orders-api", environment=environment)
    scene.wait(1)
    scene.append("deploy.log", f"{now_iso()} deploy: orders-api 6.1.0 is up, done\n")
    scene.wait(35)
    scene.capture(
        "psql-d-orders.txt", "psql -h /run/postgresql -d shop -c '\\d orders'", user="postgres"
    )
    scene.capture("psql-dt.txt", "psql -h /run/postgresql -d shop -c '\\dt'", user="postgres")


def _reads_and_writes(dice: random.Random) -> Call:
    if dice.random() < 0.3:
        return Call(f"/orders?basket=b{dice.randint(1, 2000)}&note=hello", "POST")
    return Call(f"/orders/{dice.randint(1, 2000)}")


INCIDENTS = (
    Incident(
        name="pg-lock-wait",
        kind="diagnosis",
        question="All calls to orders-api time out since the deploy. What is blocking them?",
        how="an open transaction in psql, ALTER TABLE of a migration behind it, statement_timeout "
        "4s",
        expected=(
            "The migration's ALTER TABLE orders waits for a lock, and every query queues behind "
            "it.",
            "The lock is held by a psql session that is idle in transaction since before the "
            "deploy (update of order 1412).",
        ),
        patterns=(r"lock", r"idle in transaction|psql|1412|open transaction|uncommitted"),
        restart="no",
        evidence=(
            Evidence("captures/pg_stat_activity.txt", r"psql\s*\|\s*idle in transaction"),
            Evidence("logs/postgresql.log", r"still waiting for AccessExclusiveLock on relation"),
        ),
        play=_lock,
    ),
    Incident(
        name="pg-deadlock",
        kind="diagnosis",
        question="Why do reservations in checkout fail now and then?",
        how="two programs lock rows of the table stock in opposite order",
        expected=(
            "Deadlocks in PostgreSQL between checkout and stock-sync: they update rows of the "
            "table stock in different orders.",
        ),
        patterns=(r"deadlock", r"stock-?_?sync|stock"),
        restart="no",
        evidence=(
            Evidence("logs/postgresql.log", r"ERROR:  deadlock detected"),
            Evidence("logs/checkout.log", r"deadlock detected"),
        ),
        play=_deadlock,
    ),
    Incident(
        name="migration-failed",
        kind="diagnosis",
        question="Placing an order fails since the deploy at <deploy>, reading orders works. Why?",
        how="a migration is refused (not the owner of the table), the deploy goes on regardless",
        expected=(
            "The migration 0047_gift_notes failed (must be owner of table orders), so the column "
            "gift_note is missing, which version 6.1.0 needs.",
        ),
        patterns=(r"migrat|column", r"gift_note|must be owner|owner of"),
        restart="no",
        evidence=(
            Evidence("logs/deploy.log", r"ERROR:  must be owner of table orders"),
            Evidence("logs/postgresql.log", r"must be owner of table orders"),
        ),
        play=_migration,
    ),
)
