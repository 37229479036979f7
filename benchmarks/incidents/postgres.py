"""PostgreSQL on an incident's machine, with the shop's database in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from benchmarks.incidents.scene import Scene

DATA = "/var/lib/postgresql/15/main"
_SCHEMA = """
create table orders (id serial primary key, basket text not null, amount_cents int not null,
                     state text not null default 'new', created_at timestamptz default now());
create table coupons (code text primary key, percent int not null);
create table stock (sku int primary key, quantity int not null);
insert into orders (basket, amount_cents)
    select 'b' || n, 900 + n * 7 % 9000 from generate_series(1, 2000) n;
insert into coupons select 'SAVE' || n, n from generate_series(5, 30, 5) n;
insert into stock select n, 500 from generate_series(1, 60) n;
grant all on all tables in schema public to shop;
grant all on all sequences in schema public to shop;
"""
_ACTIVITY = (
    "select pid, usename, application_name, state, wait_event_type as wait,"
    " date_trunc('second', now() - xact_start) as in_transaction_for,"
    " pg_blocking_pids(pid) as blocked_by, left(query, 60) as query"
    " from pg_stat_activity where datname = 'shop' and pid <> pg_backend_pid()"
    " order by xact_start nulls last"
)
DSN = "host=/run/postgresql dbname=shop user=shop"


def start_postgres(scene: Scene, data: str = DATA, **settings: str) -> None:
    """A PostgreSQL with the shop's database, which logs to postgresql.log."""
    scene.folder("/run/postgresql", "postgres")
    scene.folder(data, "postgres")
    scene.run("initdb", "-D", data, "-A", "trust", "-E", "UTF8", "--no-sync", user="postgres")
    options = {
        "listen_addresses": "",
        "unix_socket_directories": "/run/postgresql",
        "shared_buffers": "16MB",
        "max_wal_size": "64MB",
        "log_line_prefix": "%m [%p] %q%u@%d %a ",
        "log_checkpoints": "on",
        "timezone": "UTC",
        "log_timezone": "UTC",
        **settings,
    }
    text = "".join(f"{key} = '{value}'\n" for key, value in options.items())
    with Path(data, "postgresql.conf").open("a") as file:
        file.write(text)
    scene.start("postgresql.log", "postgres", "-D", data, user="postgres")
    is_ready = ["pg_isready", "-q", "-h", "/run/postgresql", "-U", "postgres", "-d", "postgres"]
    while subprocess.run(is_ready, check=False).returncode:
        scene.wait(0.2)
    psql(scene, "create role shop login", "postgres")
    psql(scene, "create database shop", "postgres")
    psql(scene, _SCHEMA)


def psql(scene: Scene, sql: str, database: str = "shop") -> str:
    """What the administrator's psql prints for `sql`."""
    return scene.run(
        *("psql", "-h", "/run/postgresql", "-qAt", "-v", "ON_ERROR_STOP=1", "-d", database),
        user="postgres",
        stdin=sql,
    )


def capture_activity(scene: Scene) -> None:
    """Keep who does what in the database, the longest transaction first."""
    scene.capture(
        "pg_stat_activity.txt",
        f'psql -h /run/postgresql -d shop -c "{_ACTIVITY}"',
        user="postgres",
    )
