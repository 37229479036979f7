from collections.abc import Mapping

from tools.logs.templates.variables import Row, rare_words, varying_names, varying_words

NAMES = ["ann", "bob", "cy", "dee", "eve", "flo", "gus", "hal"]


def rows(*templates: str) -> list[Row]:
    return [tuple(template.split()) for template in templates]


def plain(changes: Mapping[Row, Mapping[int, str]]) -> dict[str, Mapping[int, str]]:
    return {" ".join(row): change for row, change in changes.items()}


def test_names_vary_in_several_places() -> None:
    alike = [f"get {name}.x of k=1{name}" for name in NAMES[:4]]
    found = varying_names(rows(*alike, "got eve.x of k=1eve"))
    assert plain(found) == {template: {1: "<*>", 3: "k=<*>"} for template in alike}


def test_fewer_names_are_none_but_beside_a_mark() -> None:
    assert not varying_names(rows("get a.x now", "get b.x now", "get c.x now"))
    assert not varying_names(rows("get a.x now", "get <*> now"))
    found = varying_names(rows("get a<*>.x now", "get <*> now"))
    assert plain(found) == {"get a<*>.x now": {1: "<*>"}}


def test_names_alone_are_no_sentence() -> None:
    assert not varying_names(rows("a.x b.x", "a.y b.y", "a.z b.z", "a.w b.w"))


def test_words_vary_in_one_place_only() -> None:
    alike = rows(*(f"hello dear {name}" for name in NAMES[:4]))
    assert plain(varying_words([*alike, *rows("hello sweet ida", "goodbye dear ida")])) == {
        f"hello dear {name}": {2: "<*>"} for name in NAMES[:4]
    }
    assert not varying_words(alike[1:])


def test_words_beside_nothing_but_marks_do_not_vary() -> None:
    assert not varying_words(rows(*(f"<*> {name}" for name in NAMES)))


def test_templates_that_differ_in_two_places_prove_nothing() -> None:
    """However many there are: a hash that merely adds words up takes some of them for alike."""
    places = range(len(NAMES))
    sums = [(NAMES[a], NAMES[b], NAMES[(a + b) % len(NAMES)]) for a in places for b in places]
    assert not varying_words(rows(*(f"{a} and {b} to {c}" for a, b, c in sums)))


def test_rare_words_vary_together() -> None:
    pairs = list(zip(NAMES, NAMES[::-1], strict=True))
    found = rare_words(rows(*(f"mail from {a} is for {b}" for a, b in pairs)))
    assert plain(found) == {f"mail from {a} is for {b}": {2: "<*>", 5: "<*>"} for a, b in pairs}


def test_rare_words_are_many() -> None:
    pairs = list(zip(NAMES, NAMES[::-1], strict=True))[1:]
    assert not rare_words(rows(*(f"mail from {a} is for {b}" for a, b in pairs)))


def test_rare_words_are_fewer_than_those_that_stay() -> None:
    triples = zip(NAMES, NAMES[::-1], NAMES[1:] + NAMES[:1], strict=True)
    assert not rare_words(rows(*(f"mail {a} to {b} and {c}" for a, b, c in triples)))


def test_rare_causes_are_no_values() -> None:
    causes = ["failed", "refused", "reset", "lost", "dropped", "aborted", "killed", "rejected"]
    pairs = zip(NAMES, causes, strict=True)
    found = rare_words(rows(*(f"the mail from {a} was {b}" for a, b in pairs)))
    assert all(set(change) == {3} for change in found.values())
