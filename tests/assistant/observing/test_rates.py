from __future__ import annotations

from dataclasses import replace

from assistant.observing.metrics import Metrics
from assistant.observing.rates import Rates, rates
from assistant.observing.server_view import ServerView, view_server

from .scene import BUSY, Clock


def view(uptime_s: float, num_computed: int, num_generated: int, model: str = "m") -> ServerView:
    status = replace(BUSY, num_computed_tokens=num_computed, num_generated_tokens=num_generated)
    clock = Clock()
    metrics = Metrics("1", lambda: {model: status}, clock)
    clock.now += uptime_s
    return view_server(metrics, 0)


def test_rates_are_by_the_servers_own_clock() -> None:
    found = rates(view(10, 1000, 100), view(12, 1500, 140))
    assert found == {"m": Rates(20.0, 230.0)}


def test_a_server_or_a_model_that_began_anew_has_none() -> None:
    assert rates(view(100, 1000, 100), view(3, 1500, 140)) == {}
    assert rates(view(10, 1000, 100), view(12, 10, 1)) == {}
    assert rates(view(10, 1000, 100, "other"), view(12, 1500, 140)) == {}


def test_more_generated_than_computed_is_no_negative_rate() -> None:
    assert rates(view(10, 1000, 100), view(12, 1000, 102)) == {"m": Rates(1.0, 0.0)}
