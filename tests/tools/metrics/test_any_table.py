"""Whatever stands in a table: no error but our own, and every finding is a row of it."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tools.metrics.tables import TableMetrics
from tools.metrics.tool import query_metrics, survey_metrics
from tools.window import EVERYTHING

_NAMES = st.sampled_from(
    [
        "jobs_total", "pool_size", "pool_used", "free_bytes", "used_percent", "up", "ALERTS",
        "process_start_time_seconds", '"t_bucket{le=""1""}"', '"t_bucket{le=""+Inf""}"', "a,b", "",
    ]
)  # fmt: skip
_VALUES = st.one_of(
    st.integers(-5, 5).map(str),
    st.floats().map(str),
    st.sampled_from(["NaN", "+Inf", "1e308", "-1e308", "", "broken"]),
)
_TIMES = st.one_of(
    st.integers(0, 40).map(lambda i: str(1735787045 + 60 * i)),
    st.sampled_from(["2025-01-02T03:04:05Z", "1735787045000", "99", "soon", "-1"]),
)
_ROWS = st.one_of(
    st.tuples(_TIMES, _NAMES, _VALUES).map(",".join),
    st.text(alphabet=',;"{}=\tx1\r\0é', max_size=12),
)


@settings(deadline=None, max_examples=150)
@given(rows=st.lists(_ROWS, max_size=120))
def test_any_table_can_be_surveyed(tmp_path_factory: object, rows: list[str]) -> None:
    path = tmp_path_factory.mktemp("t") / "m.csv"  # type: ignore[attr-defined]
    _write(path, rows)
    backend = TableMetrics({"m.csv": path})
    text = path.read_bytes().decode()
    for finding in survey_metrics(backend, EVERYTHING, limit=50).findings:
        assert finding.line is not None
        assert finding.text in text.split("\n")[finding.line - 1]
    query_metrics(backend, "jobs_total", EVERYTHING)


def _write(path: Path, rows: list[str]) -> None:
    path.write_bytes("\n".join(["timestamp,metric,value", *rows]).encode())
