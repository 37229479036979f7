"""Services that do not come up: a bad variable, a port that is taken, an expired token."""

from __future__ import annotations

import json
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from assistant.demo.customers import Customers
from benchmarks.incidents.incident import CANNOT_TELL, NOTHING_WRONG, Evidence, Incident
from benchmarks.incidents.machine import PYTHON
from benchmarks.incidents.scene import Scene, clock, now_iso
from benchmarks.incidents.supervised import (
    Program,
    python_program,
    supervise,
    write_configuration,
)
from benchmarks.incidents.visitors import Call, visit

_REPOSITORY = Path(__file__).parents[3]
_DEMO_PORTS = {"front": 8000, "checkout": 8001, "payments": 8002, "worker": 8003}


def _bad_variable(scene: Scene) -> None:
    worker = {"BROKER": "127.0.0.1:5601", "CONCURRENCY": "4"}
    others = (
        python_program(scene, "api.py", "newsletter-api", PORT="5602"),
        python_program(scene, "api.py", "tracking", PORT="5603"),
    )
    supervise(scene, python_program(scene, "newsletter.py", "newsletter", **worker), *others)
    scene.wait(25)
    scene.append("config-rollout.log", f"{now_iso()} rollout 91: newsletter: CONCURRENCY=8 cores\n")
    worker["CONCURRENCY"] = "8 cores"
    write_configuration(
        scene, python_program(scene, "newsletter.py", "newsletter", **worker), *others
    )
    scene.start("config-rollout.log", "supervisorctl", "update", user="root").wait()
    scene.wait(25)
    scene.capture("supervisorctl-status.txt", "supervisorctl status")
    scene.capture(
        "supervisord-conf.txt",
        r"sed -n '/program:newsletter\]/,/^$/p' /etc/supervisor/supervisord.conf",
    )
    scene.capture("free.txt", "free -m")


def _port_taken(scene: Scene) -> None:
    # An older copy was once started by hand, and nobody has stopped it since.
    scene.serve(
        "api.py",
        "reports-old",
        log="reports-manual.log",
        environment={"PORT": "8095"},
    )
    supervise(
        scene,
        python_program(scene, "api.py", "reports", "startretries=3", PORT="8095"),
        python_program(scene, "api.py", "accounts", PORT="8096"),
    )
    visit(8096, 5, lambda dice: Call(f"/accounts/{dice.randint(1, 500)}"))
    scene.wait(45)
    scene.capture("supervisorctl-status.txt", "supervisorctl status")
    scene.capture("ss-ltnp.txt", "ss -ltnp")
    scene.capture("ps-www-data.txt", "ps -u www-data -o pid,ppid,lstart,args")


def _start_demo(scene: Scene) -> Customers:
    """The shop of `make demo`, with its log formats, under this machine's names."""
    (Path("/opt/shop/lib")).mkdir(parents=True)
    shutil.copytree(_REPOSITORY / "assistant" / "demo", "/opt/shop/lib/assistant/demo")
    Path("/opt/shop/lib/assistant/__init__.py").touch()
    secrets = scene.folder("/srv/payments/secrets")
    now = datetime.now(UTC)
    for name, key, expires_at in (
        ("gateway-token", "gw-key-2", now + timedelta(days=7)),
        ("gateway-token.previous", "gw-key-1", now - timedelta(days=83)),
    ):
        token = {"key_id": key, "expires_at": expires_at.isoformat(timespec="seconds")}
        (secrets / f"{name}.json").write_text(json.dumps(token) + "\n")
    ports = {f"SHOP_{name.upper()}_PORT": str(port) for name, port in _DEMO_PORTS.items()}
    environment = {**ports, "PYTHONPATH": "/opt/shop/lib"}
    shell = 'sh -c "SHOP_SUPERVISOR_PID=$PPID exec {} -m assistant.demo.services.{}"'
    supervise(
        scene,
        *(
            Program(name, shell.format(PYTHON, name), environment=environment)
            for name in _DEMO_PORTS
        ),
    )
    scene.wait(3)
    return Customers(_DEMO_PORTS["front"], 14.0)


def play_expired_token(scene: Scene) -> None:
    """The card gateway's token of the shop is replaced by the one before, which has expired."""
    with _start_demo(scene):
        scene.wait(40)
        secrets = Path("/srv/payments/secrets")
        shutil.copyfile(secrets / "gateway-token.previous.json", secrets / "hurried.json")
        (secrets / "hurried.json").replace(secrets / "gateway-token.json")
        scene.note("rotation", clock())
        scene.wait(35)
        scene.capture("supervisorctl-status.txt", "supervisorctl status")
        scene.capture(
            "curl-front.txt",
            "curl -sS -i -X POST -d '{\"amount_cents\": 990}' http://127.0.0.1:8000/checkout",
        )
        scene.capture("df.txt", "df -h /srv /var/log")


def _healthy_shop(scene: Scene) -> None:
    with _start_demo(scene):
        scene.wait(75)
        scene.capture("supervisorctl-status.txt", "supervisorctl status")
        scene.capture("df.txt", "df -h /srv /var/log")
        scene.capture("free.txt", "free -m")
        scene.capture("ss-s.txt", "ss -s")


def _quiet(scene: Scene) -> None:
    """A machine in order, with one database; the question is about another."""
    scene.serve("api.py", "accounts", environment={"PORT": "8096"})
    scene.serve("stock_page.js", "stock-page", environment={"PORT": "8097"})
    scene.wait(1)
    visit(8096, 4, lambda dice: Call(f"/accounts/{dice.randint(1, 500)}"))
    visit(8097, 4, _stock_page)
    scene.wait(50)
    scene.capture("uptime.txt", "uptime")
    scene.capture("df.txt", "df -h /srv /var/log")
    scene.capture("ss-ltn.txt", "ss -ltn")


def _stock_page(dice: random.Random) -> Call:
    return Call(f"/stock/{dice.randint(1, 500)}")


INCIDENTS = (
    Incident(
        name="crash-loop-variable",
        kind="diagnosis",
        question="The newsletter has not been sent. What happened to its service?",
        how="a rollout sets CONCURRENCY='8 cores'; the program stops at int(), supervisord gives "
        "up",
        expected=(
            "newsletter does not start any more (FATAL): since rollout 91 CONCURRENCY is '8 "
            "cores', which is not a number (ValueError).",
        ),
        patterns=(r"CONCURRENCY|8 cores|invalid literal|ValueError",),
        restart="no",
        evidence=(
            Evidence("logs/newsletter.log", r"ValueError: invalid literal for int\(\).*'8 cores'"),
            Evidence("logs/config-rollout.log", r"CONCURRENCY=8 cores"),
            Evidence("captures/supervisord-conf.txt", r'CONCURRENCY="8 cores"'),
        ),
        play=_bad_variable,
        host="mail-1",
    ),
    Incident(
        name="port-taken",
        kind="diagnosis",
        question="Why does the service reports not come up?",
        how="an older copy started by hand holds port 8095; supervisord gives up after three tries",
        expected=(
            "reports cannot bind its port 8095: address already in use, by a copy that was "
            "started by hand (reports-old).",
        ),
        patterns=(r"in use|taken|occupied|\bheld\b|holds|bind", r"8095|reports-old|port"),
        restart="no",
        evidence=(
            Evidence("logs/reports.log", r"OSError: \[Errno 98\] Address already in use"),
            Evidence("captures/ss-ltnp.txt", r"127\.0\.0\.1:8095"),
            Evidence("captures/ps-www-data.txt", r"/srv/reports-old/"),
        ),
        play=_port_taken,
        host="report-1",
    ),
    Incident(
        name="shop-expired-token",
        kind="diagnosis",
        question="Customers cannot pay: checkout shows errors. What is wrong and what do I do?",
        how="the shop of `make demo`; its card gateway token is replaced by the expired one",
        expected=(
            "payments is down (FATAL) because the card gateway's token (gw-key-1) has expired; a "
            "valid token has to be put in place.",
        ),
        patterns=(r"token|gw-key-1|credential", r"expired|refused"),
        restart="no",
        evidence=(
            Evidence("logs/payments.log", r"token refused.*expired"),
            Evidence("captures/supervisorctl-status.txt", r"payments\s+FATAL"),
        ),
        play=play_expired_token,
    ),
    Incident(
        name="healthy-shop",
        kind="health",
        question="Is anything wrong with the shop?",
        how="the shop of `make demo`, untouched; a few cards are declined, as always",
        expected=("No: nothing is wrong. A few declined cards are normal.",),
        patterns=(NOTHING_WRONG,),
        restart="no",
        evidence=(),
        play=_healthy_shop,
        forbidden=(r"\b(?:is|are) (?:down|failing|broken|overloaded|exhausted)\b",),
    ),
    Incident(
        name="other-host",
        kind="unanswerable",
        question="How far behind is the replica on db-2?",
        how="a machine in order with two services; nothing recorded is about db-2",
        expected=("It cannot be told: the evidence says nothing about db-2 or a replica.",),
        patterns=(CANNOT_TELL,),
        restart="no",
        evidence=(),
        play=_quiet,
        forbidden=(
            r"\b\d+ (?:seconds|minutes|bytes|MB|s|ms) (?:behind|lag)",
            r"db-2 is (?:down|healthy|fine|up)",
        ),
    ),
    Incident(
        name="other-day",
        kind="unanswerable",
        question="Why were orders so slow yesterday between 03:00 and 04:00?",
        how="the shop of `make demo` in order, for a minute; nothing recorded is of yesterday",
        expected=(
            "It cannot be told: the evidence does not cover yesterday, only one minute today.",
        ),
        patterns=(CANNOT_TELL + r"|not cover|outside|only (?:covers?|from|begins?|starts?)",),
        restart="no",
        evidence=(),
        play=_healthy_shop,
        forbidden=(r"slow(?:ness)? (?:was|were) (?:caused|due)|\bbecause (?:of )?the",),
    ),
)
