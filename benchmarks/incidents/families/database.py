"""PostgreSQL at its limits: connections, disk space, a password that was changed."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from benchmarks.incidents.incident import Evidence, Incident
from benchmarks.incidents.postgres import DATA, DSN, capture_activity, psql, start_postgres
from benchmarks.incidents.scene import Scene, now_iso
from benchmarks.incidents.visitors import Call, visit


def _orders(dice: random.Random) -> Call:
    if dice.random() < 0.15:
        codes = ("SAVE5", "SAVE10", "SAVE20", "SAVE25", "SUMMER24")
        return Call(f"/coupons/{dice.choice(codes)}?basket=b{dice.randint(1, 2000)}", "POST")
    return Call(f"/orders/{dice.randint(1, 2000)}")


def _leak(scene: Scene) -> None:
    start_postgres(scene)
    scene.serve("orders_pool.py", "orders-api", environment={"DSN": DSN, "PORT": "8081"})
    scene.wait(2)
    scene.watch(
        "pg_connections",
        lambda: float(psql(scene, "select count(*) from pg_stat_activity where usename = 'shop'")),
    )
    visit(8081, 9, _orders)
    scene.wait(75)
    capture_activity(scene)
    scene.capture("ss-s.txt", "ss -s")
    scene.capture("free.txt", "free -m")


def _too_many(scene: Scene) -> None:
    start_postgres(scene, max_connections="30")
    environment = {"DSN": DSN, "PORT": "8081"}
    scene.serve("orders_direct.py", "orders-api", environment=environment)
    scene.wait(1)
    visit(8081, 12, lambda dice: Call(f"/orders/{dice.randint(1, 2000)}"))
    scene.wait(25)
    scene.serve("report_builder.py", "report-builder", environment={"DSN": DSN})
    scene.wait(45)
    scene.capture(
        "pg_connections.txt",
        "psql -h /run/postgresql -d postgres -c 'show max_connections' -c \"select "
        "application_name,"
        " state, count(*), max(now() - state_change) as longest from pg_stat_activity"
        " where backend_type = 'client backend' group by 1, 2 order by 3 desc\"",
        user="postgres",
    )
    scene.capture("df.txt", "df -h /srv /var/lib/postgresql /var/log")


def _disk_full(scene: Scene) -> None:
    scene.run("mkdir", "-p", "/srv/data")
    scene.run("mount", "-t", "tmpfs", "-o", "size=140m,mode=755", "tmpfs", "/srv/data")
    start_postgres(scene, "/srv/data/postgresql")
    environment = {"DSN": DSN, "PORT": "8081"}
    scene.serve("orders_direct.py", "orders-api", environment=environment)
    scene.folder("/srv/data/exports")
    scene.serve("catalog_export.py", "catalog-export", environment={"TARGET": "/srv/data/exports"})
    scene.wait(1)
    scene.watch("disk_used_percent", lambda: _used_percent("/srv/data"))
    visit(8081, 15, _writes)
    scene.wait(90)
    scene.capture("df.txt", "df -h /srv/data /var/log /srv")
    scene.capture("df-i.txt", "df -i /srv/data /var/log /srv")
    scene.capture("du.txt", "du -sh /srv/data/* | sort -rh")
    scene.capture("ls-exports.txt", "ls -la /srv/data/exports | tail -n 25")


def _writes(dice: random.Random) -> Call:
    if dice.random() < 0.5:
        return Call(f"/orders?basket=b{dice.randint(1, 2000)}&note={'x' * 400}", "POST")
    return Call(f"/orders/{dice.randint(1, 2000)}")


def _used_percent(path: str) -> float:
    usage = shutil.disk_usage(path)
    return 100 * usage.used / usage.total


def _password(scene: Scene) -> None:
    start_postgres(scene)
    old, new = "7Yk-autumn", "9Qm-winter"
    psql(scene, f"set password_encryption = 'scram-sha-256'; alter role shop password '{old}'")
    rules = "local all postgres trust\nlocal all all scram-sha-256\n"
    Path(DATA, "pg_hba.conf").write_text(rules)
    psql(scene, "select pg_reload_conf()")
    environment = {"DSN": f"{DSN} password={old}", "PORT": "8081"}
    scene.serve("orders_direct.py", "orders-api", environment=environment)
    scene.wait(1)
    visit(8081, 8, lambda dice: Call(f"/orders/{dice.randint(1, 2000)}"))
    scene.wait(30)
    scene.append(
        "secrets-rotation.log", f"{now_iso()} rotation 12: role shop on db-1: new secret\n"
    )
    psql(scene, f"alter role shop password '{new}'")
    scene.append(
        "secrets-rotation.log",
        f"{now_iso()} rotation 12: role shop on db-1: done, consumers: checkout, reports\n",
    )
    scene.wait(35)
    scene.capture("pg_hba.txt", "cat /var/lib/postgresql/15/main/pg_hba.conf", user="postgres")
    scene.capture("pg_isready.txt", "pg_isready -h /run/postgresql")


INCIDENTS = (
    Incident(
        name="pool-leak",
        kind="diagnosis",
        question="orders-api answers more and more requests with 503. Why?",
        how="SQLAlchemy pool of 5+3 on PostgreSQL 15; unknown coupons keep their connection",
        expected=(
            "The connection pool of orders-api is exhausted: connections are checked out and not "
            "returned.",
            "They leak when a coupon is looked up that does not exist: those sessions stay idle "
            "in transaction after the coupon query.",
        ),
        patterns=(
            r"pool|connections?\b",
            r"idle in transaction|\bleak"
            r"|(?:not|never) (?:being )?(?:returned|released|closed|given back)",
        ),
        restart="temporary",
        evidence=(
            Evidence("captures/pg_stat_activity.txt", r"idle in transaction.*coupons"),
            Evidence("logs/orders-api.log", r"QueuePool limit of size 5 overflow 3 reached"),
        ),
        play=_leak,
    ),
    Incident(
        name="pg-max-connections",
        kind="diagnosis",
        question="Since a few minutes some calls to orders-api fail with 500. What is the cause?",
        how="PostgreSQL 15 with max_connections=30; a report job opens one connection a region",
        expected=(
            "PostgreSQL refuses new connections: max_connections (30) is reached.",
            "report-builder holds most of them, idle.",
        ),
        patterns=(
            r"max_connections|too many clients|connection slots|connection limit"
            r"|out of connections",
            r"report-?builder|report",
        ),
        restart="no",
        evidence=(
            Evidence("captures/pg_connections.txt", r"report-builder\s*\|\s*idle"),
            Evidence(
                "logs/postgresql.log",
                r"FATAL:  (?:sorry, too many clients|remaining connection slots)",
            ),
        ),
        play=_too_many,
    ),
    Incident(
        name="disk-full",
        kind="diagnosis",
        question="New orders cannot be placed any more. What is wrong?",
        how="exports that nobody deletes fill a 140 MB file system which PostgreSQL shares",
        expected=(
            "The file system /srv/data is full, so PostgreSQL cannot write.",
            "The exports of catalog-export in /srv/data/exports fill it.",
        ),
        patterns=(r"no space|disk|full|file ?system", r"export"),
        restart="no",
        evidence=(
            Evidence("captures/df.txt", r"100% /srv/data"),
            Evidence("captures/du.txt", r"M\s+/srv/data/exports"),
            Evidence("logs/postgresql.log", r"No space left on device"),
        ),
        play=_disk_full,
        host="db-1",
    ),
    Incident(
        name="db-password-rotated",
        kind="diagnosis",
        question="orders-api answers every call with 500. Why?",
        how="the password of the role shop is rotated; orders-api is not among those that are told",
        expected=(
            "PostgreSQL refuses orders-api: password authentication failed for user shop, since "
            "rotation 12 changed the password and orders-api still has the old one.",
        ),
        patterns=(
            r"password|credential|authenticat|secret",
            r"rotat|changed|new secret|old password|authentication failed",
        ),
        restart="no",
        evidence=(
            Evidence("logs/postgresql.log", r'password authentication failed for user "shop"'),
            Evidence("logs/secrets-rotation.log", r"rotation 12: role shop on db-1: done"),
        ),
        play=_password,
    ),
)
