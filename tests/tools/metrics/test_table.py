from pathlib import Path

import numpy as np
import pytest

from tools.errors import SourceUnreadable
from tools.metrics.table import Table, read_row, read_table


def _read(folder: Path, text: str, max_bytes: int = 1 << 20) -> Table:
    path = folder / "m.csv"
    path.write_bytes(text.encode())
    return read_table(path, "m.csv", max_bytes)


def test_the_usual_form(tmp_path: Path) -> None:
    (up,) = _read(tmp_path, "timestamp,metric,value\n100000000,up,1\n100000060,up,0\n").series
    assert (up.name, up.labels, up.source) == ("up", {}, "m.csv")
    assert up.times.tolist() == [100000000, 100000060]
    assert up.values.tolist() == [1, 0]


@pytest.mark.parametrize(
    "row",
    [
        '100000000,"up{job=""a"",b=""x,y""}",1',
        '100000000,up{job="a",b="x,y"},1',
        "100000000,up{job='a'},1",
    ],
)
def test_labels_in_the_name(tmp_path: Path, row: str) -> None:
    (up,) = _read(tmp_path, f"timestamp,metric,value\n{row}\n").series
    if "'" in row:
        assert (up.name, up.labels) == ("up{job='a'}", {})
    else:
        assert (up.name, up.labels) == ("up", {"job": "a", "b": "x,y"})
    assert up.values.tolist() == [1]


def test_further_columns_are_labels(tmp_path: Path) -> None:
    text = 'host,time,metric,value\na,100000000,"up{job=""x,y""}",1\n,100000000,up,2\n'
    with_host, without = _read(tmp_path, text).series
    assert (with_host.name, with_host.labels) == ("up", {"job": "x,y", "host": "a"})
    assert without.labels == {}


def test_every_column_a_metric(tmp_path: Path) -> None:
    text = "time,cpu,memory\n100000000,0.5,7\n100000060,,8\n"
    table = _read(tmp_path, text)
    assert {one.name: one.values.tolist() for one in table.series} == {
        "cpu": [0.5],
        "memory": [7, 8],
    }
    # An empty place is no value that cannot be read.
    assert table.notes == ()


def test_rows_are_sorted_and_the_last_of_a_moment_counts(tmp_path: Path) -> None:
    text = "timestamp,metric,value\n100000060,up,2\n100000000,up,1\n100000060,up,3\n"
    (up,) = _read(tmp_path, text).series
    assert up.times.tolist() == [100000000, 100000060]
    assert up.values.tolist() == [1, 3]
    assert up.offsets is not None
    assert [read_row(tmp_path / "m.csv", int(at)) for at in up.offsets] == [
        ("100000000,up,1", 3),
        ("100000060,up,3", 4),
    ]


def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    text = (
        "timestamp,metric,value\r\n100000000,up,1\r\n100000060,up,NaN\r\n100000120,up,broken\r\n"
        "soon,up,1\r\n100000180\r\n\r\n100000240,up,+Inf"
    )
    table = _read(tmp_path, text)
    assert [str(value) for value in table.series[0].values] == ["1.0", "nan", "inf"]
    assert table.num_rows == 6
    assert table.notes == (
        "m.csv: 1 rows have no time that can be read and were left out",
        "m.csv: 1 values are no numbers and were left out",
        "m.csv: 1 rows have too few columns and were left out",
    )


def test_a_row_is_quoted_as_it_stands(tmp_path: Path) -> None:
    row = '100000000,"up{job=""ü""}",1'
    (up,) = _read(tmp_path, f"timestamp,metric,value\r\n\r\n{row}\r\n").series
    assert up.offsets is not None
    assert read_row(tmp_path / "m.csv", int(up.offsets[0])) == (row, 3)


def test_an_overlong_row_is_left_out(tmp_path: Path) -> None:
    text = f"timestamp,metric,value\n100000000,{'x' * 100_000},1\n100000060,up,2\n"
    (up,) = _read(tmp_path, text).series
    assert (up.name, up.values.tolist()) == ("up", [2])


def test_a_large_table_is_read_in_parts_that_cover_it(tmp_path: Path) -> None:
    rows = [f"{100000000 + i},up,{i}\n" for i in range(20_000)]
    text = "timestamp,metric,value\n" + "".join(rows)
    table = _read(tmp_path, text, max_bytes=40_000)
    (up,) = table.series
    assert up.is_partial
    assert table.notes[0].startswith("m.csv: only 0 of 0 MiB were read, in parts")
    assert 1000 < len(up) < 4000
    assert up.values[0] == 0
    assert up.values[-1] == 19_999
    # No row was read from its middle on.
    assert (up.values == up.times - 100000000).all()
    assert np.diff(up.values).max() < 400
    assert up.offsets is not None
    text_of_last, line = read_row(tmp_path / "m.csv", int(up.offsets[-1]))
    assert (text_of_last, line) == (rows[-1].strip(), 20_001)


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_what_is_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceUnreadable):
        read_table(tmp_path / name, name)


def test_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable):
        _read(tmp_path, "")
