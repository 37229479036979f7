import numpy as np
import pytest

from tests.tools.metrics.series_of import series_of
from tools.metrics.histograms import is_bucket, quantiles
from tools.metrics.series import Series


def _histogram(counts: dict[str, list[float]], job: str = "a") -> list[Series]:
    return [
        series_of(values, "shop_seconds_bucket", {"job": job, "le": le})
        for le, values in counts.items()
    ]


def test_the_quantile_of_each_stretch_is_interpolated() -> None:
    # 100 observations, of which 90 within 1 s and all within 2 s; then all within 1 s.
    buckets = _histogram({"1": [0, 90, 190], "2": [0, 100, 200], "+Inf": [0, 100, 200]})
    (quantile,) = quantiles(buckets)
    assert (quantile.name, dict(quantile.labels)) == (
        "shop_seconds",
        {"job": "a", "quantile": "0.95"},
    )
    assert quantile.values.tolist() == pytest.approx([1.5, 0.95])
    # It is quoted by the count of all observations.
    assert quantile.samples.tolist() == [100, 200]


def test_beyond_the_last_bound_only_that_is_known() -> None:
    (quantile,) = quantiles(_histogram({"1": [0, 0], "+Inf": [0, 10]}))
    assert quantile.values.tolist() == [1]


def test_no_observation_has_no_quantile() -> None:
    (quantile,) = quantiles(_histogram({"1": [5, 5], "+Inf": [5, 5]}))
    assert np.isnan(quantile.values).all()


def test_a_restart_begins_anew() -> None:
    (quantile,) = quantiles(_histogram({"1": [100, 10], "+Inf": [100, 10]}))
    assert quantile.values.tolist() == pytest.approx([0.95])


def test_histograms_are_kept_apart() -> None:
    counts = {"1": [0.0, 9.0], "+Inf": [0.0, 9.0]}
    found = quantiles([*_histogram(counts, "a"), *_histogram(counts, "b")])
    assert [one.labels["job"] for one in found] == ["a", "b"]


@pytest.mark.parametrize(
    "counts", [{"1": [0, 1]}, {"1": [0, 1], "2": [0, 1]}, {"x": [0, 1], "+Inf": [0, 1]}]
)
def test_what_is_no_whole_histogram(counts: dict[str, list[float]]) -> None:
    assert quantiles(_histogram(counts)) == []


def test_a_bucket_has_a_bound() -> None:
    assert is_bucket(series_of([1], "a_bucket", {"le": "1"}))
    assert not is_bucket(series_of([1], "s3_bucket", {"name": "x"}))
