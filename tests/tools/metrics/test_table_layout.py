from pathlib import Path

import pytest

from tools.errors import SourceUnreadable
from tools.metrics.table_layout import find_layout, parse_epoch

_PATH = Path("cpu.csv")


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("2025-01-02T03:04:05Z", 1735787045.0),
        ("2025-01-02T03:04:05.250Z", 1735787045.25),
        ("2025-01-02 03:04:05", 1735787045.0),
        ("2025/01/02 03:04:05", 1735787045.0),
        ("2025-01-02 03:04:05 UTC", 1735787045.0),
        ("2025-01-02T04:04:05+01:00", 1735787045.0),
        ('"2025-01-02T03:04:05Z"', 1735787045.0),
        ("1735787045", 1735787045.0),
        ("1735787045.5", 1735787045.5),
        ("1735787045250", 1735787045.25),
        ("1735787045250000", 1735787045.25),
        ("1735787045250000000", 1735787045.25),
        ("1.735787045e9", 1735787045.0),
        ("20250102", 1735776000.0),
        ("", None),
        ("yesterday", None),
        ("12:30", None),
        ("99999999999999999999999", None),
    ],
)
def test_times_of_every_form(text: str, epoch: float | None) -> None:
    assert parse_epoch(text) == (epoch and pytest.approx(epoch, abs=1e-6))


@pytest.mark.parametrize(
    ("line", "time", "values", "metric", "labels"),
    [
        ("timestamp,metric,value", 0, (2,), 1, {}),
        ("\ufeffTime,Name,Value", 0, (2,), 1, {}),
        ("metric;value;host;time", 3, (1,), 0, {2: "host"}),
        ("timestamp\tmetric\tvalue", 0, (2,), 1, {}),
        ('"timestamp","metric","value"', 0, (2,), 1, {}),
        # Without a name of its own it is the file's.
        ("time,value", 0, (1,), None, {}),
        # Every column is a metric.
        ("ts,cpu,memory", 0, (1, 2), None, {}),
        # Somebody left out the header.
        ("1735787045,up,1", 0, (2,), 1, {}),
    ],
)
def test_layouts(
    line: str, time: int, values: tuple[int, ...], metric: int | None, labels: dict[int, str]
) -> None:
    layout = find_layout(f"{line}\n".encode(), _PATH)
    assert (layout.time, layout.values, layout.metric) == (time, values, metric)
    assert dict(layout.labels) == labels
    assert layout.data_start == (0 if line[0] == "1" else len(line.encode()) + 1)


def test_columns_name_their_metrics() -> None:
    assert find_layout(b"ts,cpu,memory\n", _PATH).key([b"", b"", b""], 2) == (b"memory",)
    assert find_layout(b"ts,value\n", _PATH).key([b"", b""], 1) == (b"cpu",)


@pytest.mark.parametrize("line", ["", "\n", "metric,value", "timestamp", "timestamp,metric", "x"])
def test_what_is_missing_is_said(line: str) -> None:
    with pytest.raises(SourceUnreadable) as raised:
        find_layout(line.encode(), _PATH)
    assert "cpu.csv" in raised.value.message
    assert raised.value.hint
