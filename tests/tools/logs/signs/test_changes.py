from collections.abc import Callable

import pytest

from tools.logs.signs.changes import change_in
from tools.logs.signs.sign import Sign
from tools.logs.signs.source import SourceSigns

Look = Callable[..., SourceSigns]
WORK = [(5.0 + n, f"INFO served request {n}") for n in range(100)]


def changes(signs: SourceSigns) -> list[Sign]:
    return [sign for sign in signs.signs if sign.kind == "change"]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("deploy", "deploy: session-api 2.9.0 (was 2.8.4) by ci"),
        ("deploy", "Rolling out image web:4.1 to 3 pods"),
        ("deploy", "upgraded openssl from 3.0.14 to 3.0.15"),
        ("rollback", "release 318 rolled back"),
        ("reload", "signal 1 (SIGHUP) received from 33, reconfiguring"),
        ("configuration", "/etc/app/config.toml changed, applying"),
        ("configuration", "loaded new settings from consul"),
        ("migration", "migrate: applying 0031_orders_channel.sql"),
        ("migration", "ALTER TABLE orders ADD COLUMN channel text"),
        ("job", "(root) CMD (/usr/local/bin/backup --full)"),
        ("job", "full reindex started, 900000 documents"),
        ("job", "compaction of the store begins, segments=12"),
        ("certificate", "certificate for api.example renewed, valid until 2026-01-01"),
        ("failover", "node-2 became leader for term 17"),
        ("failover", "starting failover to replica-b"),
        ("scaling", "Scaled up replica set web-7f to 6"),
        ("feature flag", "feature flag new-checkout enabled for 50%"),
        ("rotation", "rotation 12: role shop on db-1: new secret"),
        ("rotation", "the token file has changed, loading it"),
        ("maintenance", "draining node worker-3"),
    ],
)
def test_kinds_of_change(kind: str, message: str) -> None:
    assert change_in(message) == kind


@pytest.mark.parametrize(
    "message",
    [
        "served request 17 in 4 ms",
        "user 17 logged in",
        "job finished, seconds=2.7",
        "cache hit for key config-17",
        "GET /flags 200",
        "connection from 10.0.0.7 accepted",
    ],
)
def test_no_change(message: str) -> None:
    assert change_in(message) is None


def test_each_time_of_a_change_is_a_sign_with_its_line(look: Look) -> None:
    signs = look([*WORK, (20.5, "INFO reloading rules"), (80.5, "INFO reloading rules")])
    found = changes(signs)
    assert [sign.note for sign in found] == ["reload at 03:00:20", "reload at 03:01:20"]
    assert all(sign.suspicion < 0.3 for sign in found)
    assert "03:01:20" in signs.lines[found[1].position].text


def test_what_a_process_loads_as_it_starts_is_no_change(look: Look) -> None:
    start = [(0.0, "INFO starting server 2.1"), (0.2, "INFO configuration loaded")]
    assert changes(look([*start, *WORK])) == []


def test_what_is_said_all_the_time_is_no_change(look: Look) -> None:
    assert changes(look((n, f"INFO sync started for {n}") for n in range(100))) == []


def test_a_record_of_changes_holds_changes_whatever_it_says(look: Look) -> None:
    (sign,) = changes(look([(1.0, "web-3: now on 81f2")], "deploy"))
    assert sign.note == "change at 03:00:01"
