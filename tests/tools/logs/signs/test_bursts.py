from collections.abc import Callable

from tools.logs.signs.source import SourceSigns

Look = Callable[..., SourceSigns]


def ticks(period: float, first: float, last: float, text: str) -> list[tuple[float, str]]:
    return [(first + n * period, text) for n in range(int((last - first) / period))]


def burst(signs: SourceSigns) -> list[str]:
    return [sign.note for sign in signs.signs if sign.kind == "burst"]


def test_a_burst_has_a_start_an_end_and_figures(look: Look) -> None:
    calm = ticks(10, 0, 3600, "WARN retrying the upload")
    signs = look([*calm, *ticks(0.5, 1200, 1260, "WARN retrying the upload")])
    assert burst(signs) == [
        "burst: 120 from 03:20:00 to 03:20:56 (127 a minute), else 6.11 a minute"
    ]
    (sign,) = (sign for sign in signs.signs if sign.kind == "burst")
    assert signs.lines[sign.position].text.startswith("2025-01-02 03:20:00.000")


def test_a_steady_rate_is_no_burst(look: Look) -> None:
    assert burst(look(ticks(1, 0, 3600, "WARN retrying the upload"))) == []


def test_what_was_never_there_before_is_new_and_no_burst(look: Look) -> None:
    noise = ticks(10, 0, 3600, "INFO tick")
    assert burst(look([*noise, *ticks(0.5, 1200, 1260, "WARN retrying the upload")])) == []


def test_somewhat_more_than_at_other_busy_times_is_no_burst(look: Look) -> None:
    calm = ticks(300, 0, 1800, "WARN retrying the upload")
    busy = ticks(1, 1800, 2600, "WARN retrying the upload")
    busier = ticks(0.75, 2720, 3300, "WARN retrying the upload")
    assert burst(look([*calm, *busy, *busier])) == []


def test_a_day_with_more_traffic_at_noon_is_no_burst(look: Look) -> None:
    records = [
        (hour * 3600 + n * 3600 / rate, "INFO served")
        for hour, rate in enumerate([20, 20, 40, 80, 120, 120, 80, 40, 20])
        for n in range(rate)
    ]
    assert burst(look(records)) == []


def test_a_burst_of_errors_weighs_more_than_one_of_traffic(look: Look) -> None:
    (error,), (info,) = (
        [
            sign.suspicion
            for sign in look([*ticks(10, 0, 3600, text), *ticks(0.5, 1200, 1260, text)]).signs
            if sign.kind == "burst"
        ]
        for text in ("ERROR request failed", "INFO request served")
    )
    assert error >= 0.5
    assert info < 0.3
