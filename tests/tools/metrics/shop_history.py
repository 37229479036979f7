"""Four hours of a shop in which several things go wrong in the last one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime

from tests.tools.metrics.prometheus_server import Samples
from tools.window import Window

START = datetime(2025, 1, 2, 0, tzinfo=UTC)
WINDOW = Window(datetime(2025, 1, 2, 3, tzinfo=UTC), datetime(2025, 1, 2, 4, tzinfo=UTC))
BASELINE = Window(datetime(2025, 1, 2, 1, tzinfo=UTC), datetime(2025, 1, 2, 3, tzinfo=UTC))
BROKE_AT = datetime(2025, 1, 2, 3, 20, tzinfo=UTC)
_STEP_S = 60
_NUM_STEPS = 241
_BOUNDS = ("0.1", "0.5", "1", "5", "+Inf")


def history() -> Samples:
    """Everything, in the order of time for each metric."""
    yield from _calls()
    yield from _durations()
    yield from _pool()
    yield from _disk()
    yield from _queues()
    yield from _worker()
    yield from _oddities()


def _moments() -> Iterator[tuple[float, bool]]:
    """Each time, and whether it is broken by then."""
    for step in range(_NUM_STEPS):
        at = START.timestamp() + step * _STEP_S
        yield at, at >= BROKE_AT.timestamp()


def _calls() -> Samples:
    """A counter of 120 series: too many to read one by one."""
    chance = random.Random(1)
    for pod in range(60):
        good = bad = 0
        for at, is_broken in _moments():
            labels = {"job": "shop", "pod": f"shop-{pod}"}
            yield "shop_calls_total", {**labels, "code": "200"}, at, good
            yield "shop_calls_total", {**labels, "code": "500"}, at, bad
            good += chance.randint(90, 110)
            bad += chance.randint(20, 30) if is_broken else 0


def _durations() -> Samples:
    """A histogram: from 0.1 s at most to beyond 1 s."""
    counts = dict.fromkeys(_BOUNDS, 0)
    for at, is_broken in _moments():
        for bound in _BOUNDS:
            yield "shop_seconds_bucket", {"job": "shop", "le": bound}, at, counts[bound]
            is_within = float(bound) >= (5 if is_broken else 0.1)
            counts[bound] += 100 if is_within else 0
        yield "shop_seconds_count", {"job": "shop"}, at, counts["+Inf"]
        yield "shop_seconds_sum", {"job": "shop"}, at, counts["+Inf"] * 0.05


def _pool() -> Samples:
    chance = random.Random(2)
    for at, is_broken in _moments():
        used = 20 if is_broken else chance.randint(3, 9)
        yield "db_pool_in_use", {"job": "shop"}, at, used
        yield "db_pool_size", {"job": "shop"}, at, 20


def _disk() -> Samples:
    """It would be full three hours later."""
    for step, (at, _) in enumerate(_moments()):
        labels = {"instance": "db:9100", "mountpoint": "/var"}
        yield "node_filesystem_size_bytes", labels, at, 420e9
        yield "node_filesystem_avail_bytes", labels, at, (420 - step) * 1e9


def _queues() -> Samples:
    """A gauge of a hundred series, of which one grows."""
    chance = random.Random(3)
    for queue in range(100):
        for at, is_broken in _moments():
            depth = chance.randint(5, 9) + (400 if is_broken and queue == 42 else 0)
            yield "queue_depth", {"queue": f"q{queue}"}, at, depth


def _worker() -> Samples:
    """Restarted at 03:10; at 03:30 it falls silent."""
    done = 0
    for step, (at, _) in enumerate(_moments()):
        done = 0 if step == 190 else done + 7
        if step <= 210:
            yield "worker_jobs_total", {"job": "worker"}, at, done


def _oddities() -> Samples:
    for at, is_broken in _moments():
        yield "always_the_same", {}, at, 42
        yield "never_a_number", {}, at, float("nan")
        if is_broken:
            labels = {"alertname": "ManyErrors", "alertstate": "firing", "severity": "critical"}
            yield "ALERTS", labels, at, 1
