import pytest

from tools.logs.levels import Level, http_level, level_in, level_of, syslog_level


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ("Warning", Level.WARN), ("critical", Level.FATAL), ("ERRO", Level.ERROR),
        ("3", Level.ERROR), ("I", Level.INFO), (30, Level.INFO), (60, Level.FATAL),
        ("", None), ("loud", None), (7, None), (None, None), (3.5, None),
    ],
)  # fmt: skip
def test_level_of(value: object, level: Level | None) -> None:
    assert level_of(value) == level


@pytest.mark.parametrize(
    ("status", "level"),
    [
        (200, Level.INFO),
        (404, Level.WARN),
        (503, Level.ERROR),
        (99, None),
        (600, None),
        ("5", None),
    ],
)
def test_http_level(status: object, level: Level | None) -> None:
    assert http_level(status) == level


def test_a_priority_s_low_bits_are_its_severity() -> None:
    assert [syslog_level(8 * 3 + severity) for severity in range(8)] == [
        Level.FATAL, Level.FATAL, Level.FATAL, Level.ERROR,
        Level.WARN, Level.INFO, Level.INFO, Level.DEBUG,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("ERROR no disk", Level.ERROR),
        ("x [warn] y", Level.WARN),
        ("x (Info) y", Level.INFO),
        ("a=1 level=debug b", Level.DEBUG),
        ('severity: "crit"', Level.FATAL),
        ("panic: nil map", Level.FATAL),
        ("app[7]: error: x", Level.ERROR),
        ("warning  disk", Level.WARN),
        ("an error happened", None),
        ("LOG_LEVEL=DEBUG", None),
        ("MAX_ERROR x", None),
        ("x ERROR: 0 found", None),
        ("ERROR.log rotated", None),
        ("mylevel=error", None),
        ("x" * 120 + " ERROR", None),
    ],
)
def test_level_in(text: str, level: Level | None) -> None:
    assert level_in(text) == level
    assert level_in("ERROR " + text, len("ERROR ")) == level
