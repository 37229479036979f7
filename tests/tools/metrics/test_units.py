import math

import pytest

from tools.metrics.units import Unit, format_value, unit_of


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("http_request_duration_seconds", "s"),
        ("process_cpu_seconds_total", "s"),
        ("request_latency_ms", "ms"),
        ("node_memory_MemFree_bytes", "bytes"),
        ("http_response_size_bytes_sum", "bytes"),
        ("cache_hit_ratio", "ratio"),
        ("disk_used_percent", "%"),
        ("cpu_temp_celsius", "°C"),
        ("queue_depth", ""),
        ("alarms", ""),
        ("items", ""),
        ("seconds_since_start_count_of_things", ""),
    ],
)
def test_the_suffix_is_the_unit(name: str, unit: Unit) -> None:
    assert unit_of(name) == unit


@pytest.mark.parametrize(
    ("value", "unit", "is_rate", "text"),
    [
        (0.0, "", False, "0"),
        (1234567.0, "", False, "1,234,567"),
        (12.345, "", True, "12.3/s"),
        (0.00012345, "s", False, "0.000123 s"),
        (1e-7, "s", False, "1.00e-07 s"),
        (0.931, "ratio", False, "93.1 %"),
        (93.1, "%", False, "93.1 %"),
        (1.5 * 2**30, "bytes", False, "1.5 GiB"),
        (-2048.0, "bytes", True, "-2 KiB/s"),
        (12.0, "bytes", False, "12 B"),
        (math.nan, "s", False, "nan"),
        (100.0, "", False, "100"),
        (1e18, "", False, "1.00e+18"),
    ],
)
def test_values_are_short(value: float, unit: Unit, is_rate: bool, text: str) -> None:
    assert format_value(value, unit, is_rate=is_rate) == text
