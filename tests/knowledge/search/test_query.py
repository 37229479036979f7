from __future__ import annotations

import numpy as np
import pytest

from knowledge.embedding import OnnxEmbedder
from knowledge.search.query import MAX_QUERY_CHARS, Query, TermStatistics, read_query, token_weights
from knowledge.search.terms import terms_of


def test_a_question_has_its_words_other_words_and_products(embedder: OnnxEmbedder) -> None:
    query = read_query("Redis pods: the disk is full, the disk!", embedder)
    assert query.terms == ("redis", "pod", "disk", "ful")
    assert {"volum", "storag"} <= set(query.other_terms)
    assert set(query.terms).isdisjoint(query.other_terms)
    assert query.products == {"redis", "kubernetes"}


def test_the_vector_has_the_other_words_behind_it_and_the_tokens_have_not(
    embedder: OnnxEmbedder,
) -> None:
    with_words = read_query("the box hangs", embedder)
    without = read_query("the box hangs", embedder, lambda _: ())
    spelled_out = embedder.embed(["the box hangs (node stuck)"])[0]
    assert with_words.vector == pytest.approx(spelled_out.sentence, abs=1e-5)
    assert not np.allclose(with_words.vector, without.vector, atol=1e-2)
    assert np.abs(with_words.tokens.astype(int) - without.tokens.astype(int)).max() <= 1
    assert without.other_terms == ()


def test_a_token_knows_the_terms_of_the_word_that_it_is_part_of(embedder: OnnxEmbedder) -> None:
    query = read_query("why is\tnf_conntrack\u00a0full:\nKubePodCrashLooping?", embedder)
    expected = {tuple(terms_of(word)) for word in ("nf_conntrack", "full", "KubePodCrashLooping")}
    assert set(query.token_terms) == expected
    assert len(query.token_terms) == len(query.tokens)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "how do I get to the other one",
        "?!... --- ***",
        "\x00\x01\x02",
        "\ud800\udfff\udc80",
        "日本語のエラー",
        "🚒🔥",
        "\u00a0\u3000.",
        'a" OR "b NEAR(c) *',
        "x" * 100_000,
        "0x80070005 " * 10_000,
        "2026-03-01T10:00:00Z ERROR shop-7f9c checkout: connection refused\n" * 1_500,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_any_text_can_be_asked(embedder: OnnxEmbedder, text: str) -> None:
    query = read_query(text, embedder)
    statistics = TermStatistics(10, dict.fromkeys(query.terms, 3))
    weights = token_weights(query, statistics)
    assert np.linalg.norm(query.vector) == pytest.approx(1.0, abs=1e-4)
    assert len(query.token_terms) == len(query.tokens) == len(weights)
    assert float(weights.sum()) == pytest.approx(1.0 if any(query.token_terms) else 0.0, abs=1e-4)
    assert len(query.terms) <= 64


def test_of_a_pasted_log_the_beginning_is_read(embedder: OnnxEmbedder) -> None:
    beginning = ("ERROR shop checkout: connection refused\n" * 100)[:MAX_QUERY_CHARS]
    assert len(beginning) == MAX_QUERY_CHARS
    one = read_query(beginning, embedder)
    other = read_query(beginning + "kernel panic\n" * 10_000, embedder)
    assert one.terms == other.terms
    assert one.vector == pytest.approx(other.vector, abs=1e-5)


def query_of(*token_terms: tuple[str, ...]) -> Query:
    nothing = np.zeros(0, dtype=np.float32)
    tokens = np.zeros((len(token_terms), 96), dtype=np.int8)
    return Query((), (), frozenset(), nothing, tokens, token_terms)


def test_rare_words_weigh_more_and_a_token_weighs_as_its_rarest_term() -> None:
    statistics = TermStatistics(100, {"rare": 1, "common": 80})
    rare, common, both, none = token_weights(
        query_of(("rare",), ("common",), ("common", "rare"), ()), statistics
    ).tolist()
    assert rare == both > common > none == 0.0
    assert rare + common + both == pytest.approx(1.0)


def test_without_any_term_no_token_weighs_anything() -> None:
    assert token_weights(query_of((), ()), TermStatistics(0, {})).tolist() == [0.0, 0.0]
    assert token_weights(query_of(), TermStatistics(0, {})).tolist() == []


@pytest.mark.parametrize("num_parts", [0, 1, 10, 10_000])
def test_a_term_tells_more_the_rarer_it_is_and_never_less_than_nothing(num_parts: int) -> None:
    counts = {str(count): count for count in (num_parts, num_parts // 2)}
    statistics = TermStatistics(num_parts, counts)
    found = [statistics.idf(term) for term in (str(num_parts), str(num_parts // 2), "unknown")]
    assert found == sorted(found)
    assert found[0] > 0.0
