"""`merge`: distinct templates joined where they differ in nothing but values.

Templates of equal length are compared word by word, after the ideas of Drain (He et al., ICWS 2017)
and IPLoM (Makanju et al., KDD 2009), but nothing is decided by the order in which they came. Which
words are values is left to `tools.logs.templates.variables`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

from tools.logs.templates.variables import Changes, Row, rare_words, varying_names, varying_words
from tools.logs.templates.words import canonical, split_words

# Every round drops values that could not be seen before; there is little left for a fifth.
_MAX_ROUNDS = 4

# Canonical words of templates, and the positions of the templates that have them.
_Rows = Mapping[Row, list[int]]


def merge(
    templates: Sequence[str], kinds: Sequence[Hashable] | None = None
) -> list[tuple[str, list[int]]]:
    """Join near-identical templates: (template, positions in `templates`) of each group.

    Only templates of equal kind (`kinds[i]`, where given) are joined. What varies is written `<*>`.
    Which templates form a group does not depend on their order; groups are in the order of their
    first positions, and positions ascend. 20,000 templates take about a second.
    """
    words = [split_words(template) for template in templates]
    buckets: defaultdict[Hashable, defaultdict[Row, list[int]]] = defaultdict(_new_rows)
    for position, own in enumerate(words):
        row = tuple(map(canonical, own))
        buckets[(kinds[position] if kinds else None, len(row))][row].append(position)
    groups = [
        (_shown(row, [(templates[one], words[one]) for one in positions]), positions)
        for bucket in buckets.values()
        for row, positions in _settled(bucket).items()
    ]
    return sorted(groups, key=lambda group: group[1][0])


def _new_rows() -> defaultdict[Row, list[int]]:
    return defaultdict(list)


def _shown(row: Row, members: Sequence[tuple[str, Sequence[str]]]) -> str:
    """The template of a group: each word as all its (template, words) have it, or as `row` has."""
    template = members[0][0]
    if all(other == template for other, _ in members):
        return template
    places = zip(row, *(words for _, words in members), strict=True)
    return " ".join(written[0] if len(set(written)) == 1 else word for word, *written in places)


def _settled(rows: _Rows) -> _Rows:
    """`rows` without their values, until no more can be found."""
    for _ in range(_MAX_ROUNDS):
        joined = rows
        for find in (varying_names, varying_words, rare_words):
            if len(joined) > 1:
                joined = _joined(joined, find(joined))
        if joined.keys() == rows.keys():
            break
        rows = joined
    return rows


def _joined(rows: _Rows, changes: Changes) -> _Rows:
    if not changes:
        return rows
    joined = _new_rows()
    for row, positions in rows.items():
        change = changes.get(row, {})
        words = [change.get(place, word) for place, word in enumerate(row)] if change else row
        joined[tuple(words)].extend(positions)
    for positions in joined.values():
        positions.sort()
    return joined
