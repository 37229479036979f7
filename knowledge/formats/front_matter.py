"""Front matter: the fields that site generators read from the top of a Markdown file.

Jekyll and Docusaurus write YAML between lines of `---`, Hugo and Zola also TOML between `+++`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

from knowledge.formats.yaml_text import BrokenYaml, yaml_fields

_YAML = re.compile(r"---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*$", re.DOTALL | re.MULTILINE)
_TOML = re.compile(r"\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*$", re.DOTALL | re.MULTILINE)
_FIRST_FIELD = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*+[\w-]+[ \t]*[:=]")
_MAX_CHARS = 50_000
_NOT_LINE_END = re.compile(r"[^\n]")


def split_front_matter(text: str) -> tuple[Mapping[str, object], str]:
    """The front matter's fields, and the text with the front matter blanked out.

    Blanked out, not cut off: every offset and line number of the text stays as it was. There are no
    fields when it is broken. What only stands between two rules is text, and stays.
    """
    for pattern, read in ((_YAML, _read_yaml), (_TOML, _read_toml)):
        match = pattern.match(text)
        if match is not None and len(match.group(1)) <= _MAX_CHARS:
            fields = read(match.group(1))
            if fields is not None:
                return fields, _NOT_LINE_END.sub(" ", match.group()) + text[match.end() :]
    return {}, text


def _read_yaml(written: str) -> Mapping[str, object] | None:
    try:
        return yaml_fields(written)
    except BrokenYaml:
        return _broken(written)


def _read_toml(written: str) -> Mapping[str, object] | None:
    try:
        return tomllib.loads(written)
    # Not its own error only: a date that does not exist, a number too long, nesting too deep.
    except (ValueError, RecursionError):
        return _broken(written)


def _broken(written: str) -> Mapping[str, object] | None:
    """No fields where it was meant as front matter; the document is as good without them."""
    return {} if _FIRST_FIELD.match(written) else None
