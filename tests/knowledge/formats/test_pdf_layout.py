from __future__ import annotations

import pytest

from knowledge.formats.pdf_layout import Line, Words, heading_key, largest_words, lines_of, markdown

LONG = "words that fill the line as far as the margin lets them go"


def words(
    text: str, x: float = 50, y: float = 700, size: float = 10, *, mono: bool = False
) -> Words:
    return Words(text, x, y, size, is_mono=mono)


def page(*rows: str | Words, top: float = 700) -> list[Line]:
    """A page whose lines stand 12 points apart; "" is an empty one."""
    pieces = []
    for number, row in enumerate(rows):
        piece = words(row) if isinstance(row, str) else row
        if piece.text:
            pieces.append(
                Words(f"{piece.text}\n", piece.x, top - 12 * number, piece.size, piece.is_mono)
            )
    return lines_of(pieces)


def code(text: str, x: float = 50) -> Words:
    return words(text, x, mono=True)


@pytest.mark.parametrize(
    ("pieces", "texts"),
    [
        ([words("one "), words("line\n"), words("next", y=688)], ["one line", "next"]),
        ([words("Port\n"), words("6379\n", x=90)], ["Port  6379"]),
        ([words("left\n", x=90), words("column\n")], ["left", "column"]),
        ([words("text\n", x=60), words("more\n", y=688, x=60), words("•\n")], ["• text", "more"]),
        ([words("ls\n", x=60, mono=True), words("•\n")], ["• ls"]),
        ([words("7.\n", x=60, y=300)], ["7."]),
        ([words(" \n"), words("x\n")], ["x"]),
        ([], []),
    ],
)
def test_lines_are_what_was_written_at_one_height(pieces: list[Words], texts: list[str]) -> None:
    assert [line.text for line in lines_of(pieces)] == texts


def test_code_among_words_is_marked() -> None:
    (line,) = lines_of([words("Run "), code("df -h "), words("now.")])
    assert (line.text, line.marked, line.is_code) == ("Run df -h now.", "Run `df -h` now.", False)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([LONG, "end."], f"{LONG} end.\n"),
        ([LONG, "", "", "apart"], f"{LONG}\n\napart\n"),
        ([LONG, "short", "new line"], f"{LONG} short\nnew line\n"),
        ([f"{LONG} one-", "half"], f"{LONG} one-half\n"),
        ([f"{LONG} repli\u2010", "cas"], f"{LONG} replicas\n"),
        ([f"{LONG} repli-", "cas", "", "replicas"], f"{LONG} replicas\n\nreplicas\n"),
        ([f"{LONG} /var/log-", "dir"], f"{LONG} /var/log- dir\n"),
        (["# systemctl stop"], "\\# systemctl stop\n"),
    ],
)
def test_paragraphs(rows: list[str], text: str) -> None:
    assert markdown([page(*rows)], {}) == text


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (["• one", "• two"], "- one\n\n- two\n"),
        (["1. one", "2) two"], "1. one\n\n2) two\n"),
        (["a) one"], "- a) one\n"),
        (["- one", "\u2013 two", "o three"], "- one\n\n- two\n\n- three\n"),
        ([f"• {LONG}", words("goes on", 60)], f"- {LONG} goes on\n"),
        (["1. one", words("a. sub", 70), "2. two"], "1. one\n\n   - a. sub\n\n2. two\n"),
        (["1. do:", code("ls", 70), "2. x"], "1. do:\n\n   ```\n   ls\n   ```\n\n2. x\n"),
        (["1. one", "", "", words("more", 64), "", "", "end"], "1. one\n\n   more\n\nend\n"),
        (["-x is an option"], "-x is an option\n"),
        (["3.14 is no step"], "3.14 is no step\n"),
    ],
)
def test_items(rows: list[str | Words], text: str) -> None:
    assert markdown([page(LONG, "", "", *rows)], {}) == f"{LONG}\n\n{text}"


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([code("if x"), code("then", 74), code("fi")], "```\nif x\n    then\nfi\n```\n"),
        ([code("a"), code("b"), words(""), code("c")], "```\na\nb\n\nc\n```\n"),
        ([code("say ```")], "````\nsay ```\n````\n"),
    ],
)
def test_code(rows: list[Words], text: str) -> None:
    assert markdown([page(LONG, "", "", *rows)], {}) == f"{LONG}\n\n{text}"


def test_a_sentence_that_goes_on_in_code_is_no_block_of_code() -> None:
    assert markdown([page(LONG, code("ls -l"), LONG)], {}) == f"{LONG} `ls -l`\n{LONG}\n"


def test_code_after_a_colon_is_a_block() -> None:
    text = markdown([page(LONG, "Run:", code("ls -l"))], {})
    assert text == f"{LONG} Run:\n\n```\nls -l\n```\n"


def test_a_document_all_in_one_width_is_text() -> None:
    assert markdown([page(code(LONG), code("and so on."))], {}) == f"{LONG} and so on.\n"


def test_headings_are_what_is_larger() -> None:
    rows: list[str | Words] = [
        words("Disk full", size=20),
        "",
        LONG,
        "",
        words("Fix <it>", size=14),
        "",
        LONG,
    ]
    rows += ["", words("See also", size=14), "", LONG, words("2024", size=14)]
    pages = [page(*rows)]
    headings = [line for line in markdown(pages, {}).splitlines() if line.startswith("#")]
    assert headings == ["# Disk full", "## Fix \\<it>", "## See also"]
    assert largest_words(pages) == "Disk full"


def test_no_line_stands_out() -> None:
    pages = [page(LONG, LONG)]
    assert largest_words(pages) == ""
    assert largest_words([]) == ""


def test_an_outline_knows_the_headings_better_than_sizes_do() -> None:
    outline = {(0, heading_key("Disk full")): 1, (0, heading_key("Fix it")): 2}
    rows: list[str | Words] = [
        words("Disk full", size=20),
        "",
        words("LARGE", size=30),
        "",
        "1.2 Fix  it",
        "",
        LONG,
    ]
    text = markdown([page(*rows)], outline)
    assert text == f"# Disk full\n\nLARGE\n\n## 1.2 Fix  it\n\n{LONG}\n"


def test_an_outline_that_fits_nothing_leaves_it_to_sizes() -> None:
    rows: list[str | Words] = [words("Disk full", size=20), "", LONG]
    assert markdown([page(*rows)], {(3, "diskfull"): 2}) == f"# Disk full\n\n{LONG}\n"


@pytest.mark.parametrize("n_pages", [2, 3, 9])
def test_lines_that_pages_repeat_at_their_edges_are_left_out(n_pages: int) -> None:
    pages = [
        page("ACME confidential", "", f"Unique {'x' * n} {LONG}.", "", f"Page {n} of {n_pages}")
        for n in range(1, n_pages + 1)
    ]
    text = markdown(pages, {})
    assert "ACME" not in text
    assert "Page" not in text
    assert text.count("Unique") == n_pages


def test_a_chapters_name_runs_at_the_same_height() -> None:
    chapters = ["Disks", "Disks", "Disks", "Networks"]
    pages = [page(f"{name} {n}", "", f"Body {LONG}.") for n, name in enumerate(chapters)]
    assert "Networks" not in markdown(pages, {})


def test_a_tables_header_on_some_pages_takes_no_text_from_others() -> None:
    pages = [page("Host Port", "", f"Body {'x' * n} {LONG}.") for n in range(3)]
    pages += [page(f"Unique{'x' * n} 7", "", f"Body {'y' * n} {LONG}.") for n in range(4)]
    text = markdown(pages, {})
    assert "Host Port" not in text
    assert text.count("Unique") == 4


def test_headings_on_top_of_each_page_stay() -> None:
    pages = [page(words(f"Step {n}", size=14), "", f"{LONG} {'x' * n}.") for n in range(1, 5)]
    headings = [line for line in markdown(pages, {}).splitlines() if line.startswith("#")]
    assert headings == ["# Step 1", "# Step 2", "# Step 3", "# Step 4"]


def test_one_page_repeats_nothing_but_its_number_is_left_out() -> None:
    assert markdown([page("6379", LONG, "12 ports", "", "iv")], {}) == f"{LONG} 12 ports\n"


def test_entries_of_contents_are_left_out() -> None:
    assert markdown([page("Fix . . . . . . . 12", "Aid........iv", LONG)], {}) == f"{LONG}\n"


@pytest.mark.parametrize(
    ("last", "first", "text"),
    [
        (LONG, "goes on", f"{LONG} goes on"),
        (f"{LONG}.", "goes not", f"{LONG}.\n\ngoes not"),
        (LONG, "Goes not", f"{LONG}\n\nGoes not"),
    ],
)
def test_a_sentence_goes_on_on_the_next_page(last: str, first: str, text: str) -> None:
    assert markdown([page(last), page(first, "", LONG)], {}) == f"{text}\n\n{LONG}\n"


@pytest.mark.parametrize(
    ("title", "key"), [("2.1  Fix it!", "fixit"), ("Fix It", "fixit"), ("2024", "2024")]
)
def test_heading_key(title: str, key: str) -> None:
    assert heading_key(title) == key
