import pytest

from tools.captures import parse

INFO = """# Server
redis_version:7.2.4
# Clients
connected_clients:12
maxclients:10000
blocked_clients:0
# Memory
used_memory:1048576
maxmemory:10485760
# Stats
rejected_connections:0
evicted_keys:0
# Replication
role:slave
master_link_status:up
"""
SESSIONS = """ pid | usename | state  | wait_event_type | query
-----+---------+--------+-----------------+-----------
  11 | shop    | active |                 | SELECT 1
  12 | shop    | idle   | Client          | COMMIT
(2 rows)
"""


@pytest.mark.parametrize("text", [INFO, SESSIONS])
def test_a_healthy_database_is_no_finding(text: str) -> None:
    assert parse(text) == []


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        ("rejected_connections:0", "rejected_connections:3", "3 connections were refused"),
        ("status:up", "status:down", "the replica has lost its master"),
        ("used_memory:1048576", "used_memory:10485700", "100 % of the memory that it may use"),
        ("connected_clients:12", "connected_clients:9999", "100 % of the connections that"),
        ("evicted_keys:0", "evicted_keys:812", "812 keys were thrown out"),
    ],
)
def test_limits_and_states_of_redis(old: str, new: str, note: str) -> None:
    (found,) = parse(INFO.replace(old, new))
    assert found.note.startswith(note)
    assert found.text == new.replace("status:down", "master_link_status:down")


def test_no_limit_is_never_hit() -> None:
    assert parse(INFO.replace("maxmemory:10485760", "maxmemory:0")) == []


def test_a_session_that_waits_for_a_lock() -> None:
    row = "  13 | shop    | active | Lock            | UPDATE x\n"
    (found,) = parse(SESSIONS.replace("(2 rows)", row + "(3 rows)"))
    assert (found.line, found.note) == (5, "session 13 waits for a lock")


def test_sessions_that_are_counted() -> None:
    text = " count | state\n-------+---------\n    97 | idle in transaction\n     3 | active\n"
    (found,) = parse(text)
    assert found.note.startswith("97 sessions sit in an open transaction")


def test_sessions_in_open_transactions() -> None:
    rows = "".join(f"  {n} | shop | idle in transaction | Client | BEGIN\n" for n in range(20, 29))
    (found,) = parse(SESSIONS.replace("(2 rows)", rows))
    assert found.note.startswith("9 sessions sit in an open transaction")
