import pytest

from tools.captures import parse

RUNNING = """● nginx.service - A high performance web server
     Loaded: loaded (/lib/systemd/system/nginx.service; enabled; preset: enabled)
     Active: active (running) since Mon 2025-01-06 10:00:00 UTC; 3 days ago
    Process: 800 ExecStartPre=/usr/sbin/nginx -t (code=exited, status=0/SUCCESS)
   Main PID: 812 (nginx)
      Tasks: 3 (limit: 4915)
     Memory: 12.3M
"""
FAILED = """\u00d7 shop.service - Shop
     Loaded: loaded (/etc/systemd/system/shop.service; enabled)
     Active: failed (Result: exit-code) since Mon 2025-01-06 10:00:00 UTC; 5min ago
    Process: 900 ExecStart=/opt/shop/run (code=exited, status=203/EXEC)
   Main PID: 900 (code=exited, status=203/EXEC)
"""
LISTED = """  UNIT              LOAD      ACTIVE SUB     DESCRIPTION
● backup.service    loaded    failed failed  Nightly backup
  ssh.service       loaded    active running OpenBSD Secure Shell server
● old.service       not-found inactive dead  old.service

LOAD   = Reflects whether the unit definition was properly loaded.
1 loaded units listed.
"""


def test_a_running_unit_is_no_finding() -> None:
    assert parse(RUNNING) == []


def test_a_failed_unit_says_why() -> None:
    found = parse(FAILED)
    assert [one.line for one in found] == [4, 5, 3]
    assert found[0].note == (
        "shop.service: its program cannot be run: it is missing, or not executable"
    )
    assert found[2].note == "shop.service has failed: its process ended with an error"


@pytest.mark.parametrize(
    ("active", "note"),
    [
        ("failed (Result: oom-kill)", "the kernel killed it because memory ran out"),
        ("failed (Result: start-limit-hit)", "it failed too often in a row"),
        ("activating (auto-restart) (Result: exit-code)", "ends again and again"),
        ("inactive (dead) since Mon", "is not running now"),
    ],
)
def test_states_in_words(active: str, note: str) -> None:
    text = RUNNING.replace("active (running) since Mon", active)
    (found,) = parse(text)
    assert note in found.note
    assert found.text.startswith("Active: ")


def test_a_unit_that_nobody_starts_may_be_inactive() -> None:
    text = RUNNING.replace("active (running)", "inactive (dead)").replace(
        "; enabled;", "; disabled;"
    )
    assert parse(text) == []


def test_a_limit_of_processes_that_is_hit() -> None:
    (found,) = parse(RUNNING.replace("Tasks: 3 (limit: 4915)", "Tasks: 4915 (limit: 4915)"))
    assert found.note == (
        "nginx.service uses 100 % of the processes and threads that it may (4915 of 4915)"
    )


def test_failed_units_in_a_list() -> None:
    (found,) = parse(LISTED)
    assert (found.line, found.note) == (2, "backup.service has failed")
