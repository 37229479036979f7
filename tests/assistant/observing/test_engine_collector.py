from __future__ import annotations

from assistant.engine.interface import EngineStatus
from assistant.observing.metrics import Metrics

from .scene import BUSY, value


def test_the_engine_is_read_at_each_scrape_and_not_before() -> None:
    engines: dict[str, EngineStatus] = {}
    asked: list[int] = []

    def source() -> dict[str, EngineStatus]:
        asked.append(len(engines))
        return engines

    metrics = Metrics("1.2.3", source)
    assert asked == []
    assert "midwatch_engine_kv_cells{" not in metrics.render("")[0].decode()
    engines["small"] = BUSY
    assert 'midwatch_engine_kv_cells{model="small"} 32768.0' in metrics.render("")[0].decode()
    assert asked == [0, 1]


def test_figures_of_a_busy_engine() -> None:
    metrics = Metrics("1.2.3", lambda: {"small": BUSY})
    requests = "midwatch_engine_requests"
    assert value(metrics, requests, model="small", state="decode", priority="chat") == 1
    assert value(metrics, requests, model="small", state="waiting", priority="background") == 1
    assert value(metrics, requests, model="small", state="waiting", priority="alert") == 0
    figures = {
        "kv_cells": 32_768,
        "kv_cells_used": 2048,
        "running_limit": 16,
        "waiting_limit": 64,
        "prompt_tokens_total": 1000,
        "cached_tokens_total": 800,
        "computed_tokens_total": 5000,
        "generated_tokens_total": 400,
        "preemptions_total": 2,
    }
    read = {name: value(metrics, f"midwatch_engine_{name}", model="small") for name in figures}
    assert read == figures


def test_two_models_are_two_series() -> None:
    metrics = Metrics("1.2.3", lambda: {"small": BUSY, "light": BUSY})
    assert value(metrics, "midwatch_engine_kv_cells", model="light") == 32_768
    assert value(metrics, "midwatch_engine_kv_cells", model="small") == 32_768
