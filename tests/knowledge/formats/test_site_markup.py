from __future__ import annotations

import pytest

from knowledge.formats.markdown import markdown_blocks
from knowledge.formats.site_markup import blanked


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a <!-- b --> c", "a c"),
        ("<!--\n# hidden\n-->\ntext", "text"),
        ("## Head <!-- omit in toc -->", "## Head"),
        ("{/* mdx\n comment */} text", "text"),
        ("import Tabs from '@theme/Tabs';\nimport {\n  A,\n  B,\n} from 'x'\n\ntext", "text"),
        ("import './style.css'\ntext", "text"),
        ("export const toc = [\n  {a: 1},\n];\n\ntext", "text"),
        ("<Tabs>\n<TabItem value=\"a\" label='b'>\n\ntext\n\n</TabItem>\n</Tabs>", "text"),
        ('<Card\n  title="a > b"\n  on={() => ({x: {y: 1}})}\n>\ntext\n</Card>', "text"),
        ("a <Badge text='x' /> b <Icon/>", "a b"),
        ("import A from 'a'\n\n<Tabs>\n    <TabItem>\ntext\n    </TabItem>\n</Tabs>", "text"),
        ("<Foo.Bar>text</Foo.Bar>", "text"),
        ("{{< hint info >}}\ntext\n{{< /hint >}}", "text"),
        ("{{% notice %}}**text**{{% /notice %}}", "**text**"),
    ],
)
def test_directions_to_the_site_generator_are_blanked(text: str, left: str) -> None:
    result = blanked(text)
    assert " ".join(result.split()) == left
    assert (len(result), result.count("\n")) == (len(text), text.count("\n"))


@pytest.mark.parametrize(
    "text",
    [
        "Write `<!-- x -->` and ``{{< x `y` >}}``.",
        "```html\n<!-- kept -->\n<Tabs>\n</Tabs>\n```",
        "- ```\n  <!-- kept -->\n  ```",
        "> ~~~\n> {{< kept >}}\n> ~~~",
        "1. a\n\n   ````\n   ```\n   <!-- kept -->\n   ````",
        "```\n<!-- in code that is never closed -->",
        "Replace <NAMESPACE> and <Pod> with yours, a Map<String, Int>.",
        "<!-- never closed\n\n{{< x >}}",
        "a <b>bold</b> word, <br/> and x < Y > z",
        "Set:\n\n    <VirtualHost *:80>\n    </VirtualHost>\n\n\t<Node/>\n",
        "import the dump from 'x' first",
        "export PATH=$PATH:/opt\nexport the data",
        '[Next]({{< ref "./Next.md" >}}) and {{< relref "x" >}}',
        "{{ $labels.pod }} and {{< never closed",
        "a } b {/* never closed",
        "a lone ` and\n\n another ` of the next paragraph",
    ],
)
def test_code_placeholders_and_words_stay(text: str) -> None:
    assert blanked(text) == text


def test_a_stray_backtick_does_not_hide_a_comment() -> None:
    assert blanked("don`t\n\n<!-- x -->\n\n`code`").split() == ["don`t", "`code`"]
    assert blanked("a ` b " + "x " * 600 + "<!-- c --> `").count("c") == 0


def test_hugos_highlighting_becomes_a_fence() -> None:
    text = '{{< highlight bash "linenos=table" >}}\n# no heading\n{{< /highlight >}}\ntext\n'
    result = blanked(text)
    assert len(result) == len(text)
    assert [line.rstrip() for line in result.split("\n")] == [
        "```bash",
        "# no heading",
        "```",
        "text",
        "",
    ]


@pytest.mark.parametrize(
    "text",
    [
        ":::note Title\ntext\n:::",
        ":::note Title\n\ntext\n\n- a\n- b\n\n```\n:::\n```\n\n:::",
        ":::tip[Title]\n- a\n- b\n:::",
        "::::info\n\n:::note\n\na\n\n:::\n\nb\n\n::::",
        '!!! note "Title"\n    text\n\n    more\n\n        code',
        "???+ warning\n\n    text",
        '=== "Linux"\n\n    text\n\n    - a',
    ],
)
def test_an_admonition_is_one_block(text: str) -> None:
    whole = f"before\n\n{text}\n\nafter\n"
    blocks = [whole[block.start : block.end].strip() for block in markdown_blocks(whole)]
    assert blocks == ["before", text, "after"]


def test_an_admonition_can_be_divided_between_its_parts() -> None:
    text = ":::note\n\none\n\ntwo\n\n:::\n"
    (block,) = markdown_blocks(text)
    assert [text[part.start : part.end].strip() for part in block.parts] == [
        ":::note",
        "one",
        "two",
        ":::",
    ]


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        (":::note\n\na\n\nb\n", 3),
        (":::note\n\na\n\n# Head\n\nb\n\n:::\n", 5),
        ("a\n\n:::\n\nb\n", 3),
        ("```\n:::note\n```\n\na\n\n:::\n", 3),
        ("!!! note\n\nnot indented\n", 2),
    ],
)
def test_what_is_no_whole_admonition_is_left_in_pieces(text: str, blocks: int) -> None:
    assert len(markdown_blocks(text)) == blocks
