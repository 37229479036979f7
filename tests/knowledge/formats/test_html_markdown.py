from __future__ import annotations

import pytest

from knowledge.documents import Unusable
from knowledge.formats.html_markdown import markdown, soup_of


def converted(html: str) -> str:
    return markdown(soup_of(html))


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            "<p>a <b>bold</b><i> it</i> <code>x</code> &amp; &lt;pod&gt;",
            "a **bold** *it* `x` & <pod>\n",
        ),
        ("<p>one\n  two<p>three", "one two\n\nthree\n"),
        ("<p>snake_case *.log 5 * 3", "snake_case *.log 5 * 3\n"),
        ("a<br>b", "a  \nb\n"),
        ("<p>a&nbsp;b&#8203;c d\xad-e", "a bc d-e\n"),
        ("<h2>Fix</h2><p>x", "## Fix\n\nx\n"),
        ("<p>a<h1></h1><p>b", "a\n\nb\n"),
        ("<p>a<!-- hidden --><?php x ?>b", "ab\n"),
        ("<details><summary>More</summary><p>text</details>", "More\n\ntext\n"),
    ],
)
def test_words(html: str, text: str) -> None:
    assert converted(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p># systemctl stop<br>----<br>x", "\\# systemctl stop  \n\\----  \nx\n"),
        ("<p>```", "\\```\n"),
        ("<p>one\n# two", "one # two\n"),
        ("<p>1. first<p>- other", "1. first\n\n- other\n"),
        ("<h1>Restart &lt;pod&gt; of *.example</h1>x", "# Restart \\<pod> of \\*.example\n\nx\n"),
    ],
)
def test_text_is_not_mistaken_for_markup_but_steps_numbered_by_hand_are(
    html: str, text: str
) -> None:
    assert converted(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<a href='http://g.example/d?x=1'>board</a>", "[board](http://g.example/d?x=1)\n"),
        ("see <a href='Other_1.html'>it</a> <a href='#x'>below</a>", "see it below\n"),
        (
            "<h2>Fix<a class=anchor href='#fix'>¶</a> <a href='http://x'>now</a></h2>",
            "## Fix now\n",
        ),
        ("<p>a <img src=lag.png alt='the lag'> <img src=a.png alt=image-1.png>", "a the lag\n"),
    ],
)
def test_links_that_lead_somewhere_and_words_of_pictures_stay(html: str, text: str) -> None:
    assert converted(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<pre>\na &lt;b&gt;\n\n  c\n</pre>", "```\na <b>\n\n  c\n```\n"),
        ("<pre>a<br>b<br/>  c</pre>", "```\na\nb\n  c\n```\n"),
        ("<pre><div>a</div><div>b</div></pre>", "```\na\nb\n```\n"),
        ("<pre><span class=k>if</span>&nbsp;x</pre>", "```\nif x\n```\n"),
        ("<p><code>cd /x<br>ls</code>", "```\ncd /x\nls\n```\n"),
        ("<pre>echo ```</pre>", "````\necho ```\n````\n"),
        ("<pre></pre>x", "x\n"),
        ("<p>run <code>a `b`</code>", "run `` a `b` ``\n"),
    ],
)
def test_code_keeps_its_lines(html: str, text: str) -> None:
    assert converted(html) == text


@pytest.mark.parametrize(
    ("html", "language"),
    [
        ("<pre data-syntaxhighlighter-params='brush: bash; gutter: false'>x</pre>", "bash"),
        ("<pre class='brush: py'>x</pre>", "py"),
        ("<pre><code class='hljs language-c++'>x</code></pre>", "c++"),
        ("<div class='highlight-sh notranslate'><div><pre>x</pre></div></div>", "sh"),
        ("<div class='highlight highlight-source-shell'><pre>x</pre></div>", "shell"),
        ("<pre class='lang-text'>x</pre>", ""),
        ("<pre class='language-none'>x</pre>", ""),
        ("<pre class='literal'>x</pre>", ""),
    ],
)
def test_code_keeps_its_language(html: str, language: str) -> None:
    assert converted(html) == f"```{language}\nx\n```\n"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<ul><li>a<li>b</ul>", "- a\n- b\n"),
        ("<ol start=9><li>a<li>b</ol>", "9. a\n10. b\n"),
        (f"<ol start={'9' * 5000}><li>a</ol>", "1. a\n"),
        (
            "<ol><li>a<ol><li>b<ul><li>c</ul></ol><li>d</ol>",
            "1. a\n   1. b\n      - c\n2. d\n",
        ),
        (
            "<ol><li>do:<pre>x\n  y</pre>then<li>b</ol>",
            "1. do:\n\n   ```\n   x\n     y\n   ```\n\n   then\n2. b\n",
        ),
        ("<ul><li><p>a</p><p>b</p></li></ul>", "- a\n\n  b\n"),
        ("<dl><dt>K</dt><dd>v <p>w</p></dd><dt>L<dd>x</dl>", "- K\n  v\n\n  w\n- L\n  x\n"),
    ],
)
def test_lists(html: str, text: str) -> None:
    assert converted(html) == text


@pytest.mark.parametrize(
    ("html", "rows"),
    [
        ("<tr><th>A<th>B<tr><td>1<td>2", ["| A | B |", "| --- | --- |", "| 1 | 2 |"]),
        ("<tr><td>A<td>B<tr><td>1<td>2", ["| A | B |", "| --- | --- |", "| 1 | 2 |"]),
        ("<tr><th colspan=2>A<tr><td>1<td>2", ["| A |  |", "| --- | --- |", "| 1 | 2 |"]),
        (
            "<tr><td rowspan=3>h<td>1<tr><td>2<tr><td>3",
            ["| h | 1 |", "| --- | --- |", "| h | 2 |", "| h | 3 |"],
        ),
        (
            "<tr><td rowspan=2 colspan=2>x<td>1<tr><td>2",
            ["| x |  | 1 |", "| --- | --- | --- |", "| x |  | 2 |"],
        ),
        ("<tr><th>A<th>B<tr><td>1<tr><td>", ["| A | B |", "| --- | --- |", "| 1 |"]),
        (
            "<tr><th>A<th>B<tr><td><p>a<br>b</p><ul><li>c</ul><td><code>x|y</code>",
            ["| A | B |", "| --- | --- |", "| a b - c | `x\\|y` |"],
        ),
        ("<tr><th>A<th>B<tr><td><pre>x</pre><td>1", ["| A | B |", "| --- | --- |", "| `x` | 1 |"]),
        (
            "<tr><th>A<th>B<tr><td rowspan=60000 colspan=1000>1<td>2",
            ["| A | B |", "| --- | --- |", "| 1 | 2 |"],
        ),
    ],
)
def test_tables_of_plain_cells(html: str, rows: list[str]) -> None:
    assert converted(f"<table>{html}</table>").splitlines() == rows


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<tr><td>left<td><h2>H</h2><p>p", "left\n\n## H\n\np\n"),
        ("<tr><th>A<th>B<tr><td>1<td><pre>x\ny</pre>", "A\n\nB\n\n1\n\n```\nx\ny\n```\n"),
        ("<tr><td>only<tr><td>one column", "only\n\none column\n"),
        (
            "<tr><td>x<td><table><tr><th>A<th>B<tr><td>1<td>2</table>",
            "x\n\n| A | B |\n| --- | --- |\n| 1 | 2 |\n",
        ),
    ],
)
def test_tables_for_layout_are_taken_apart(html: str, text: str) -> None:
    assert converted(f"<table>{html}</table>") == text


def test_what_warns_is_quoted() -> None:
    html = (
        "<div class='admonition warning'><p class=admonition-title>Warning<p>No.<pre>x</pre></div>"
    )
    assert converted(html) == "> Warning\n>\n> No.\n>\n> ```\n> x\n> ```\n"


def test_a_cell_over_many_rows_says_in_each_only_what_is_short() -> None:
    html = f"<table><tr><td rowspan=2>{'long ' * 50}<td>1<tr><td>2</table>"
    assert converted(html).splitlines()[2] == "|  | 2 |"


def test_a_long_list_counts_on() -> None:
    assert converted(f"<ol>{'<li>x' * 3_000}</ol>").splitlines()[-1] == "3000. x"


def test_elements_nested_too_deeply_are_a_reason_not_a_crash() -> None:
    with pytest.raises(Unusable, match="nested too deeply"):
        converted("<div>" * 10_000 + "x")


def test_an_xhtml_page_is_read_as_html() -> None:
    html = '<?xml version="1.0" encoding="utf-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><p>x</p>'
    assert converted(html) == "x\n"


def test_text_without_tags_is_no_html() -> None:
    with pytest.raises(Unusable, match="no HTML"):
        soup_of("http://example.org")
