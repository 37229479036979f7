"""Time: a clock that is ahead, jobs that overlap, latency before and after a deploy."""

from __future__ import annotations

import json
import random
import statistics

from benchmarks.incidents.incident import Evidence, Incident
from benchmarks.incidents.machine import LOGS
from benchmarks.incidents.postgres import DSN, psql, start_postgres
from benchmarks.incidents.scene import Scene, clock, now_iso
from benchmarks.incidents.visitors import Call, visit

_AHEAD = {
    "LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "FAKETIME": "+94s",
}
_CHRONY = """\
server 203.0.113.9 iburst
pidfile /srv/chrony/chronyd.pid
bindcmdaddress /srv/chrony/chronyd.sock
cmdport 0
driftfile /srv/chrony/drift
"""


def _clock_ahead(scene: Scene) -> None:
    secret = {"SECRET": "a-secret-of-at-least-thirty-two-bytes"}
    login = scene.serve("login.py", "login", environment={"PORT": "8051", **secret})
    scene.serve("profile_page.py", "profile", environment={"PORT": "8053", **secret})
    scene.wait(2)
    visit(8053, 5, lambda dice: Call(f"/profile/{dice.randint(1, 900)}"))
    scene.wait(30)
    scene.note("since", clock())
    login.terminate()
    login.wait()
    # From here on login runs on auth-1, whose clock nobody sets.
    scene.folder("/srv/chrony", "root").chmod(0o750)
    scene.write("/srv/chrony/chrony.conf", _CHRONY)
    daemon = ("chronyd", "-x", "-d", "-u", "root", "-f", "/srv/chrony/chrony.conf")
    scene.start("chronyd.log", *daemon, user="root")
    scene.serve("login.py", "login", environment={"PORT": "8051", **secret, **_AHEAD})
    scene.wait(40)
    scene.capture("app-1-date.txt", "date -u")
    scene.capture("auth-1-date.txt", "date -u", environment=_AHEAD)
    scene.capture("auth-1-chronyc-tracking.txt", "chronyc -h /srv/chrony/chronyd.sock tracking")
    scene.capture("auth-1-chronyc-sources.txt", "chronyc -h /srv/chrony/chronyd.sock sources")


def _overlap(scene: Scene) -> None:
    start_postgres(scene)
    environment = {"DSN": f"{DSN} options='-c statement_timeout=4s'", "PORT": "8081"}
    scene.serve("orders_direct.py", "orders-api", environment=environment)
    job = scene.install("rollup.py", "rollup")
    scene.write("/srv/scheduler/jobs.txt", f"rollup 15 {job}\n")
    scene.serve("scheduler.py", "scheduler", environment={"DSN": DSN})
    scene.wait(1)
    visit(8081, 8, _mostly_reads)
    scene.wait(32)
    scene.append("import.log", f"{now_iso()} import: orders of the acquired shop, from dump.csv\n")
    psql(
        scene,
        "insert into orders (basket, amount_cents)"
        " select 'x' || n, 1000 from generate_series(1, 14000) n",
    )
    scene.append("import.log", f"{now_iso()} import: 14000 orders, done\n")
    scene.wait(75)
    scene.capture("ps-rollup.txt", "ps -u www-data -o pid,etime,args | grep -E 'PID|[r]ollup.py'")
    scene.capture(
        "pg_stat_activity.txt",
        'psql -h /run/postgresql -d shop -c "select pid, application_name, state,'
        " wait_event_type as wait, date_trunc('second', now() - xact_start) as in_transaction_for, "
        "left(query, 70) as query from pg_stat_activity where datname = 'shop'"
        ' and pid <> pg_backend_pid() order by xact_start"',
        user="postgres",
    )
    scene.capture("uptime.txt", "uptime")


def _mostly_reads(dice: random.Random) -> Call:
    if dice.random() < 0.25:
        return Call(f"/orders?basket=b{dice.randint(1, 2000)}", "POST")
    return Call(f"/orders/{dice.randint(1, 2000)}")


def _slower_release(scene: Scene) -> None:
    _release(scene, {"VERSION": "4.2.0", "STRATEGY": "each"})


def _same_speed(scene: Scene) -> None:
    _release(scene, {"VERSION": "4.1.8"})
    before, after = (float(scene.facts[key]) for key in ("before_ms", "after_ms"))
    assert 0.8 < after / before < 1.25, "the recording computer was busy; record again"


def _release(scene: Scene, changed: dict[str, str]) -> None:
    """Offers 4.1.7 for a while, then what `changed` makes of it."""
    start_postgres(scene)
    environment = {"DSN": DSN, "PORT": "8083", "VERSION": "4.1.7"}
    old = scene.serve("offers.py", "offers", environment=environment)
    scene.watch("offers_p50_ms", lambda: statistics.median(_latencies()[-20:]))
    scene.wait(1)
    visit(8083, 8, lambda dice: Call(f"/offers?page={dice.randint(1, 15)}"))
    scene.wait(45)
    scene.note("deploy", clock())
    before = _latencies()
    version = changed["VERSION"]
    scene.append("deploy.log", f"{now_iso()} deploy: offers {version} (was 4.1.7) by ci\n")
    old.terminate()
    old.wait()
    scene.serve("offers.py", "offers", environment={**environment, **changed})
    scene.wait(1)
    scene.append("deploy.log", f"{now_iso()} deploy: offers {version} is up, done\n")
    scene.wait(45)
    after = _latencies()[len(before) :]
    scene.note("before_ms", round(statistics.median(before)))
    scene.note("after_ms", round(statistics.median(after)))
    scene.capture("uptime.txt", "uptime; free -m")


def _latencies() -> list[float]:
    lines = (LOGS / "offers.log").read_text().splitlines()
    return [float(json.loads(line)["ms"]) for line in lines if '"ms"' in line]


INCIDENTS = (
    Incident(
        name="clock-ahead",
        kind="diagnosis",
        question="Since <since> users are thrown out right after they log in. What is the reason?",
        how="login signs JWTs 94 s in the future (libfaketime); profile checks them; chronyd "
        "unsynchronised",
        expected=(
            "The clock of auth-1 (login) is about 94 s ahead and not synchronised, so profile "
            "rejects its tokens as not yet valid.",
        ),
        patterns=(
            r"clock|skew|not yet valid|synchroni[sz]|ahead of|in the future",
            r"token|auth-1|login",
        ),
        restart="no",
        evidence=(
            Evidence("logs/profile.log", r"token is not yet valid"),
            Evidence("captures/auth-1-chronyc-tracking.txt", r"Not synchronised"),
        ),
        play=_clock_ahead,
        host="app-1",
    ),
    Incident(
        name="job-overlap",
        kind="diagnosis",
        question="Since a while new orders often fail, while reading works. What is the cause?",
        how="an import makes the rollup job slower than its interval of 15 s; it locks the table "
        "orders",
        expected=(
            "The scheduled job rollup overlaps with itself: since the import of 14000 orders it "
            "takes longer than its interval of 15 s, and it locks the table orders, so inserts "
            "time out.",
        ),
        patterns=(r"rollup",),
        restart="no",
        evidence=(
            Evidence("captures/ps-rollup.txt", r"rollup\.py"),
            Evidence("captures/pg_stat_activity.txt", r"rollup\s*\|"),
            Evidence("logs/scheduler.log", r'"job finished".*seconds=(?:1[5-9]|[2-9]\d)'),
            Evidence("logs/import.log", r"14000 orders"),
        ),
        play=_overlap,
    ),
    Incident(
        name="slower-release",
        kind="comparison",
        question="Did offers get slower since the deploy at <deploy>?",
        how="release 4.2.0 asks the database once for each offer instead of once a page",
        expected=(
            "Yes: the median of a request rose from about <before_ms> ms to about <after_ms> ms.",
            "4.2.0 makes 121 queries a request instead of one.",
        ),
        patterns=(
            r"slower|\byes\b|increas|higher|\brose\b|\bgrew|longer|more than",
            r"4\.2\.0|quer|deploy|\bms\b|latency",
        ),
        restart="no",
        evidence=(
            Evidence("logs/offers.log", r'"version": "4\.2\.0"'),
            Evidence("logs/offers.log", r'"queries": 121'),
            Evidence("logs/deploy.log", r"offers 4\.2\.0 \(was 4\.1\.7\)"),
        ),
        play=_slower_release,
        forbidden=(
            r"^\W*no\b",
            r"\b(?:did|has|is) not (?:get|got|become|became)? ?slower",
            r"no change|unchanged",
        ),
    ),
    Incident(
        name="unchanged-release",
        kind="comparison",
        question="Did offers get slower since the deploy at <deploy>?",
        how="release 4.1.8 does the same as the one before; the short gap is its restart",
        expected=(
            "No, it is not slower: the median of a request was <before_ms> ms before and is "
            "<after_ms> ms since.",
        ),
        patterns=(
            r"^\W*no\b|not (?:get |got |become )?(?:any )?slower"
            r"|no (?:change|slow|increase|difference|sign|evidence)|unchanged|the same|nothing",
        ),
        restart="no",
        evidence=(Evidence("logs/offers.log", r'"version": "4\.1\.8"'),),
        play=_same_speed,
        forbidden=(r"(?<!not )(?<!any )\b(?:got|is|became|are) (?:much |clearly )?slower",),
    ),
)
