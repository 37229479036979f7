import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.logs.formats.encoding import place_in, string_start, value_span

SCALARS = st.one_of(st.text(max_size=8), st.integers(), st.floats(-1e9, 1e9))
OBJECTS = st.dictionaries(
    st.sampled_from(["a", "time", "b", "x y"]),
    st.one_of(SCALARS, st.dictionaries(st.sampled_from(["a", "time"]), SCALARS, max_size=2)),
    max_size=4,
)


@given(OBJECTS, st.booleans(), st.sampled_from([(",", ":"), (", ", ": "), (" ,", " : ")]))
def test_values_are_found_where_they_stand(
    fields: dict[str, object], ascii_only: bool, separators: tuple[str, str]
) -> None:
    text = "x " + json.dumps(fields, ensure_ascii=ascii_only, separators=separators)
    for key, value in fields.items():
        if isinstance(value, dict):
            for inner, item in value.items():
                check(text, f"{key}.{inner}", item)
        else:
            check(text, key, value)


def check(text: str, key: str, value: object) -> None:
    span = value_span(text, 2, key, value)
    written = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and json.dumps(value)[1:-1] != value:
        assert span is None or text[slice(*span)] == value
    else:
        assert span is not None
        assert text[slice(*span)] == written.strip('"')


def test_of_two_values_of_a_key_the_last_counts() -> None:
    text = '{"a":1,"b":{"a":3},"a":2}'
    assert value_span(text, 0, "a", 2) == (23, 24)
    assert value_span(text, 0, "c", 2) is None


@given(st.text(max_size=20), st.text(min_size=1, max_size=5), st.booleans())
def test_parts_of_a_string_are_found_in_its_encoding(
    before: str, part: str, ascii_only: bool
) -> None:
    decoded = f"{before}{part}!"
    text = json.dumps({"log": decoded}, ensure_ascii=ascii_only)
    start = string_start(text, 0, "log")
    assert start is not None
    span = place_in(text, start, decoded, (len(before), len(before) + len(part)))
    if span is None:
        assert json.dumps(part, ensure_ascii=ascii_only)[1:-1] != part
    else:
        assert text[slice(*span)] == part


@pytest.mark.parametrize("key", ["b", "log"])
def test_only_a_string_has_characters(key: str) -> None:
    assert string_start('{"b": 1}', 0, key) is None
