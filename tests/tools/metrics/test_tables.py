from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.errors import InvalidQuery, SourceNotFound
from tools.metrics.backend import Deadline
from tools.metrics.tables import TableMetrics
from tools.window import EVERYTHING, Window

_SOON = Deadline.after(60)


@pytest.fixture
def tables(tmp_path: Path) -> TableMetrics:
    rows = [f'2025-01-02T00:{i:02}:00Z,"up{{job=""{job}""}}",1' for i in range(10) for job in "ab"]
    (tmp_path / "up.csv").write_text("timestamp,metric,value\n" + "\n".join(rows) + "\n")
    (tmp_path / "bad.csv").write_text("no times,here\n")
    return TableMetrics({name: tmp_path / name for name in ("up.csv", "bad.csv")})


def _at(minute: int) -> datetime:
    return datetime(2025, 1, 2, 0, minute, tzinfo=UTC)


def test_an_open_window_is_all_that_is_recorded(tables: TableMetrics) -> None:
    span = tables.span(EVERYTHING, None, _SOON)
    assert (span.start, span.window_start, span.end) == (
        _at(0).timestamp(),
        _at(0).timestamp(),
        _at(9).timestamp(),
    )


def test_all_before_the_window_is_its_baseline(tables: TableMetrics) -> None:
    span = tables.span(Window(_at(5)), None, _SOON)
    assert (span.start, span.window_start) == (_at(0).timestamp(), _at(5).timestamp())
    span = tables.span(Window(_at(5)), Window(_at(4), _at(5)), _SOON)
    assert span.start == _at(4).timestamp()


def test_a_query_is_a_name_or_a_selector(tables: TableMetrics) -> None:
    span = tables.span(Window(_at(5), _at(7)), Window(_at(5), _at(5)), _SOON)
    assert len(tables.query("up", span, _SOON).series) == 2
    (a,) = tables.query('up{job="a"}', span, _SOON).series
    assert a.labels == {"job": "a"}
    # The end of a window belongs to it here: it may be the newest sample.
    assert len(a) == 3
    assert tables.query('{job=~"a|b"}', span, _SOON).series
    assert tables.query('up{job="z"}', span, _SOON).series == ()


def test_what_a_table_cannot_compute(tables: TableMetrics) -> None:
    span = tables.span(EVERYTHING, None, _SOON)
    with pytest.raises(InvalidQuery, match="recorded tables"):
        tables.query("rate(up[5m])", span, _SOON)
    with pytest.raises(SourceNotFound) as raised:
        tables.query("uq", span, _SOON)
    assert raised.value.hint in ("close to it: up", "there are: up")


def test_a_bad_table_is_said_and_hides_no_other(tables: TableMetrics) -> None:
    span = tables.span(EVERYTHING, None, _SOON)
    reading = tables.read(tables.families(span, _SOON), span, _SOON)
    assert len(reading.series) == 2
    assert "bad.csv has no column of times" in reading.notes[0]


def test_a_quotation_is_the_row_with_its_line(tables: TableMetrics) -> None:
    span = tables.span(EVERYTHING, None, _SOON)
    (b,) = tables.query('up{job="b"}', span, _SOON).series
    quotation = tables.quote(b, 1)
    assert (quotation.text, quotation.line) == ('2025-01-02T00:01:00Z,"up{job=""b""}",1', 5)


def test_labels_and_targets(tables: TableMetrics) -> None:
    span = tables.span(EVERYTHING, None, _SOON)
    assert tables.label_values("job", _SOON) == ["a", "b"]
    assert tables.targets(span, _SOON).total == 2
    assert tables.alerts(span, _SOON) == []


def test_no_samples_at_all(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("timestamp,metric,value\n")
    with pytest.raises(SourceNotFound):
        TableMetrics({"m.csv": tmp_path / "m.csv"}).span(EVERYTHING, None, _SOON)
