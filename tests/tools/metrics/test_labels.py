import pytest

from tools.errors import InvalidQuery
from tools.metrics.labels import parse_selector, parse_series_name, render_series_name


@pytest.mark.parametrize(
    ("text", "name", "labels"),
    [
        ("up", "up", {}),
        ('up{job="a"}', "up", {"job": "a"}),
        ('up{ job = "a" , b="x,}{" }', "up", {"job": "a", "b": "x,}{"}),
        (r'up{path="a\"b\\c\nd"}', "up", {"path": 'a"b\\c\nd'}),
        ("up{}", "up", {}),
        # What is no such name stays as it stands.
        ("cpu usage (%)", "cpu usage (%)", {}),
        ('up{job!="a"}', 'up{job!="a"}', {}),
        ("up{job=a}", "up{job=a}", {}),
        ("", "", {}),
    ],
)
def test_names_are_read(text: str, name: str, labels: dict[str, str]) -> None:
    assert parse_series_name(text) == (name, labels)


def test_what_is_written_reads_back() -> None:
    labels = {"b": 'quote " slash \\ line\n', "a": "x"}
    text = render_series_name("up", labels)
    assert text == 'up{a="x",b="quote \\" slash \\\\ line\\n"}'
    assert parse_series_name(text) == ("up", labels)


@pytest.mark.parametrize(
    ("selector", "accepted"),
    [
        ('up{job="a"}', True),
        ('up{job="b"}', False),
        ('up{job!="b"}', True),
        ('up{job=~"a|b"}', True),
        ('up{job=~"."}', True),
        ('up{job=~""}', False),
        ('up{job!~"a.*"}', False),
        ('up{gone=""}', True),
    ],
)
def test_matchers(selector: str, accepted: bool) -> None:
    _, (matcher,) = parse_selector(selector)
    assert matcher.accepts({"job": "a"}) is accepted


@pytest.mark.parametrize("text", ["rate(up[5m])", "a + b", "sum(a)", "up{job=}", "up{", "", "{}"])
def test_what_is_no_selector(text: str) -> None:
    with pytest.raises(InvalidQuery):
        parse_selector(text)


@pytest.mark.parametrize("pattern", ["(", "(?:a|aa)+b?c"])
def test_a_bad_pattern_is_refused_and_a_slow_one_ends(pattern: str) -> None:
    _, (matcher,) = parse_selector(f'up{{job=~"{pattern}"}}')
    with pytest.raises(InvalidQuery):
        matcher.accepts({"job": "(" if pattern == "(" else "a" * 5000 + "b"})
