"""Redis: full, down, and as a queue that nobody empties any more."""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks.incidents.incident import Evidence, Incident
from benchmarks.incidents.scene import Scene, now_iso
from benchmarks.incidents.supervised import Program, python_program, supervise
from benchmarks.incidents.visitors import Call, visit

_REDIS = "/usr/bin/redis-server /etc/redis/redis.conf"
_CONFIGURATION = 'bind 127.0.0.1\nport 6379\ndir /var/lib/redis\nsave ""\nmaxclients 500\n'


def start_redis(scene: Scene, configuration: str = "") -> None:
    """A Redis of its own, which logs to redis.log."""
    scene.folder("/var/lib/redis", "redis")
    scene.write("/etc/redis/redis.conf", _CONFIGURATION + configuration)
    scene.start("redis.log", *_REDIS.split(), user="redis")
    scene.wait(1)


def redis_info(scene: Scene, section: str, key: str) -> float:
    """A figure of `redis-cli info`."""
    for line in scene.run("redis-cli", "info", section).splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return float(value)
    raise ValueError(key)


def play_full_redis(scene: Scene) -> None:
    """A release of session-api fills Redis with sessions that never expire."""
    start_redis(scene, "maxmemory 6mb\nmaxmemory-policy noeviction\n")
    environment = {"PORT": "8084", "VERSION": "2.8.4", "SESSION_TTL_S": "15"}
    old = scene.serve("sessions.py", "session-api", environment=environment)
    scene.watch("redis_used_memory_bytes", lambda: redis_info(scene, "memory", "used_memory"))
    scene.wait(1)
    visit(8084, 25, lambda dice: Call(f"/sessions?user=u{dice.randint(1, 99999)}", "POST"))
    scene.wait(30)
    scene.append("deploy.log", f"{now_iso()} deploy: session-api 2.9.0 (was 2.8.4) by ci\n")
    old.terminate()
    old.wait()
    environment = {"PORT": "8084", "VERSION": "2.9.0"}
    scene.serve("sessions.py", "session-api", environment=environment)
    scene.wait(1)
    scene.append("deploy.log", f"{now_iso()} deploy: session-api 2.9.0 is up, done\n")
    scene.wait(70)
    scene.capture("redis-info-memory.txt", "redis-cli info memory")
    scene.capture("redis-info-keyspace.txt", "redis-cli info keyspace; redis-cli info stats")
    scene.capture("free.txt", "free -m")


def _down(scene: Scene) -> None:
    scene.write("/etc/redis/redis.conf", _CONFIGURATION + "maxmemory 64mb\n")
    scene.folder("/var/lib/redis", "redis")
    supervise(
        scene,
        Program("redis", _REDIS, user="redis", options=("startretries=2",)),
        python_program(scene, "sessions.py", "cart-api", PORT="8084", SESSION_TTL_S="900"),
    )
    scene.wait(3)
    visit(8084, 10, lambda dice: Call(f"/sessions?user=u{dice.randint(1, 999)}", "POST"))
    scene.wait(25)
    scene.append("config-rollout.log", f"{now_iso()} rollout 318: /etc/redis/redis.conf changed\n")
    with Path("/etc/redis/redis.conf").open("a") as file:
        file.write("maxmemory-policy allkeys-lru-volatile\n")
    scene.append("config-rollout.log", f"{now_iso()} rollout 318: restarting redis\n")
    scene.run("supervisorctl", "stop", "redis")
    scene.start("config-rollout.log", "supervisorctl", "start", "redis", user="root")
    scene.wait(30)
    scene.capture("supervisorctl-status.txt", "supervisorctl status")
    scene.capture("ss-ltn.txt", "ss -ltn")
    scene.capture("redis-cli-ping.txt", "redis-cli ping")


def play_silent_worker(scene: Scene) -> None:
    """The mail relay stops answering, and the worker waits for it for ever."""
    start_redis(scene)
    scene.serve("mail_relay.py", "mail-relay", log="mail-relay.log", environment={"PORT": "2525"})
    supervise(
        scene,
        python_program(scene, "mail_worker.py", "mail-worker", RELAY="127.0.0.1:2525"),
        python_program(scene, "mail_api.py", "account-api", PORT="8085"),
    )
    scene.wait(2)
    scene.watch("mail_queue_length", lambda: float(scene.run("redis-cli", "llen", "mails")))
    visit(8085, 6, _account)
    scene.wait(110)
    scene.capture("supervisorctl-status.txt", "supervisorctl status")
    scene.capture("redis-llen.txt", "redis-cli llen mails; redis-cli info clients")
    scene.capture("ss-worker.txt", "ss -tnpo state established '( dport = :2525 )'")


def _account(dice: random.Random) -> Call:
    if dice.random() < 0.6:
        return Call(f"/accounts/{dice.randint(1, 5000)}")
    return Call(f"/password-reset?user=u{dice.randint(1, 5000)}", "POST")


INCIDENTS = (
    Incident(
        name="redis-full",
        kind="diagnosis",
        question="Users cannot log in: session-api answers 500. What happened?",
        how="Redis 7 with maxmemory 6mb, noeviction; a release writes sessions without expiry",
        expected=(
            "Redis has reached maxmemory and refuses writes (noeviction).",
            "Since session-api 2.9.0 sessions are written without a time to live, so none expire.",
        ),
        patterns=(r"maxmemory|out of memory|OOM|memory limit|memory is full", r"redis"),
        restart="no",
        evidence=(
            Evidence("captures/redis-info-memory.txt", r"maxmemory_policy:noeviction"),
            Evidence("captures/redis-info-keyspace.txt", r"keys=\d+,expires=0"),
            Evidence("logs/session-api.log", r"command not allowed when used memory > 'maxmemory'"),
            Evidence("logs/session-api.log", r"version=2\.9\.0.*ttl_s=none"),
        ),
        play=play_full_redis,
        host="cache-1",
    ),
    Incident(
        name="redis-down",
        kind="diagnosis",
        question="The shopping cart is broken for everybody. Why?",
        how="rollout of a redis.conf with a bad value; redis under supervisord does not start "
        "again",
        expected=(
            "Redis is down (FATAL): it does not start because of a bad value for maxmemory-policy "
            "in redis.conf, which rollout 318 brought.",
        ),
        patterns=(r"redis", r"config|maxmemory-policy|rollout|allkeys-lru-volatile"),
        restart="no",
        evidence=(
            Evidence(
                "logs/redis.log", r"FATAL CONFIG FILE ERROR|maxmemory-policy allkeys-lru-volatile"
            ),
            Evidence("captures/supervisorctl-status.txt", r"redis\s+FATAL"),
        ),
        play=_down,
    ),
    Incident(
        name="silent-worker",
        kind="diagnosis",
        question="Users say that their password reset mails do not arrive. What is going on?",
        how="the mail relay stops answering in the middle of a dialogue; the worker has no timeout",
        expected=(
            "mail-worker has stopped working silently: its heartbeat and deliveries end although "
            "it is RUNNING, and the queue of mails grows.",
        ),
        patterns=(
            r"mail-?_?worker|worker|relay",
            r"heartbeat|stopped|silent|\bhang|hung|stuck|no longer|stall"
            r"|queue (?:length )?(?:grow|ris|increas)",
        ),
        restart="temporary",
        evidence=(
            Evidence("logs/mail-worker.log", r"heartbeat"),
            Evidence("logs/account-api.log", r'"queue_length": \d{2,}'),
            Evidence("captures/redis-llen.txt", r"^\d{2,}$"),
        ),
        play=play_silent_worker,
        host="mail-1",
    ),
)
