from pathlib import Path

import pytest

from tools.captures.page import MAX_TEXT_CHARS, Page, open_page
from tools.captures.scoring import Offsets
from tools.errors import SourceNotFound
from tools.scope import Capture


def page_of(tmp_path: Path, text: str, command: str = "") -> Page:
    path = tmp_path / "out.txt"
    path.write_bytes(text.encode())
    return open_page(Capture("out.txt", path, command))


def test_lines_keep_their_numbers_and_lose_their_ends(tmp_path: Path) -> None:
    page = page_of(tmp_path, "a\r\n\r\nb\n")
    assert page.lines[:3] == ("a", "", "b")
    assert page.numbers[:3] == (1, 2, 3)


def test_colours_are_read_over_and_stay_out_of_quotes_where_they_can(tmp_path: Path) -> None:
    page = page_of(tmp_path, "\x1b[1;31mall red\x1b[0m\nhalf \x1b[31mred\x1b[0m\n")
    assert page.lines[:2] == ("all red", "half red")
    assert page.quote(0, 1) == "all red"
    assert page.quote(1, 2) == "half \x1b[31mred", "what is quoted stands in the file"


def test_a_long_line_is_divided_at_its_keys(tmp_path: Path) -> None:
    entries = ", ".join(f'"key{n}": "{n}"' for n in range(300))
    page = page_of(tmp_path, "{" + entries + "}")
    assert "".join(page.lines) == "{" + entries + "}"
    assert set(page.numbers) == {1}
    assert max(map(len, page.lines)) <= MAX_TEXT_CHARS
    assert '"key7": "7", ' in page.lines


def test_parts_of_one_line_are_quoted_as_they_stand(tmp_path: Path) -> None:
    entries = ", ".join(f'"key{n}": "{n}"' for n in range(300))
    page = page_of(tmp_path, "{" + entries + "}\nnext\n")
    assert page.quote(1, 3) == '"key0": "0", "key1": "1",'
    last = page.lines.index("next")
    assert page.quote(last - 1, last + 1) == '"key299": "299"}\nnext'


def test_letters_that_grow_in_lower_case_do_not_shift_lines(tmp_path: Path) -> None:
    page = page_of(tmp_path, "\u0130" * 50 + "\nx\nneedle\n")
    assert Offsets(page).places("needle") == [2]


def test_a_page_is_about_what_its_command_and_first_lines_name(tmp_path: Path) -> None:
    assert "web-1" in page_of(tmp_path, "x\n", "kubectl describe pod web-1").subject
    assert "web-1" in page_of(tmp_path, "Name:  web-1\nStatus: Running\n").subject
    table = "NAME    READY   STATUS    RESTARTS   AGE\nweb-1   1/1     Running   0          5d\n"
    assert "web-1" not in page_of(tmp_path, table).subject, "a list is about many things"


@pytest.mark.parametrize(
    ("line", "is_log"),
    [
        ("2025-01-06T10:00:00Z started", True),
        ("Jan  6 10:00:00 host app[1]: started", True),
        ("E0106 10:00:00.1 1 main.go:1] failed", True),
        ("ts=1736157600 level=info msg=x", True),
        ("Name:   web-1", False),
        ("10.0.0.1   node-1", False),
    ],
)
def test_a_log_is_known_by_how_its_lines_begin(tmp_path: Path, line: str, is_log: bool) -> None:
    assert page_of(tmp_path, f"{line}\n" * 10).is_log is is_log


def test_a_table_among_the_lines_of_a_log_is_still_read(tmp_path: Path) -> None:
    log = "2025-01-06T10:00:00Z started\n" * 20
    table = "Filesystem Size Used Avail Use% Mounted on\n/dev/sda1 4G 4G 0 100% /\n"
    page = page_of(tmp_path, f"{log}\n{table}")
    assert page.is_log
    assert [observation.start for observation, _ in page.observations] == [22]


def test_a_missing_capture_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound):
        open_page(Capture("gone", tmp_path / "gone"))
