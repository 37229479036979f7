import re

from tools.captures.tables import tables

HEADER = re.compile(r"^NAME\s")
LINES = [
    "some words before",
    "NAME     STATUS   CLAIM        AGE",
    "data-0   Bound    shop/cart    41d",
    "data-1   Free                  3d",
    "data-2   a b      shop/web     1d",
    "",
    "NAME   AGE",
    "cart   5m",
]


def test_cells_may_be_empty_or_hold_spaces() -> None:
    first, second = tables(LINES, HEADER)
    assert first.columns == ("NAME", "STATUS", "CLAIM", "AGE")
    assert [row.get("CLAIM") for row in first.rows] == ["shop/cart", "", "shop/web"]
    assert [row.get("AGE") for row in first.rows] == ["41d", "3d", "1d"]
    assert first.rows[2].get("STATUS") == "a b"
    assert [row.place for row in first.rows] == [2, 3, 4]
    assert second.rows[0].cells == {"NAME": "cart", "AGE": "5m"}


def test_a_row_that_is_not_aligned_is_divided_at_its_gaps() -> None:
    (table,) = tables(["NAME  AGE", "a-name-longer-than-its-column  7d"], HEADER)
    assert table.rows[0].cells == {"NAME": "a-name-longer-than-its-column", "AGE": "7d"}


def test_known_rows_are_left_out() -> None:
    (table, _) = tables(LINES, HEADER, {2, 3})
    assert [row.place for row in table.rows] == [4]


def test_a_column_that_is_not_there_is_empty() -> None:
    (table, _) = tables(LINES, HEADER)
    assert table.rows[0].get("PHASE", "STATUS") == "Bound"
    assert table.rows[0].get("PHASE") == ""
