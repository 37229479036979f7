from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from knowledge.embedding import (
    DIMENSION,
    MAX_TOKENS,
    TOKEN_DIMENSION,
    TOKEN_SCALE,
    Embedding,
    OnnxEmbedder,
    open_embedder,
    sentences_of,
)
from knowledge.errors import EmbeddingUnavailable

TEXTS = [
    "",
    "x",
    "RedisDown > Diagnosis\nLook for the out-of-memory killer in the kernel's log.",
    "the disk is full and nothing can be written any more",
    "the volume has no space left on device",
    "naïve 日本 🚒",
    "far more words than the model reads " * MAX_TOKENS,
]


def are_alike(one: Embedding, other: Embedding) -> bool:
    """Alike up to rounding: tokens are rounded to whole numbers."""
    return (
        np.allclose(one.sentence, other.sentence, atol=1e-5)
        and one.tokens.shape == other.tokens.shape
        and bool(np.abs(one.tokens.astype(int) - other.tokens.astype(int)).max(initial=0) <= 1)
        and one.starts == other.starts
    )


def test_sentence_vectors_are_normalised_float32(embedder: OnnxEmbedder) -> None:
    vectors = sentences_of(embedder.embed(TEXTS))
    assert vectors.shape == (len(TEXTS), DIMENSION)
    assert vectors.dtype == np.dtype(np.float32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_token_vectors_are_whole_numbers_of_one_length(embedder: OnnxEmbedder) -> None:
    for embedding in embedder.embed(TEXTS):
        assert embedding.tokens.shape == (len(embedding.starts), TOKEN_DIMENSION)
        assert embedding.tokens.dtype == np.dtype(np.int8)
        lengths = np.linalg.norm(embedding.tokens.astype(float), axis=1)
        assert lengths == pytest.approx(TOKEN_SCALE, abs=5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The disk of the node is full.", "disk node full"),
        ("Kubelet: timed out!", "Ku bel et timed"),
        ("", ""),
        ("how do I get it?", ""),
        ("... [] {} --- [SEP]", ""),
        ("über naïve", "über naïve"),
        ("🚒 fire", "fire"),
    ],
)
def test_tokens_that_mean_something_are_kept_with_their_places(
    embedder: OnnxEmbedder, text: str, words: str
) -> None:
    (embedding,) = embedder.embed([text])
    starts = embedding.starts
    assert list(starts) == sorted(starts)
    assert all(
        text.startswith(word, start) for start, word in zip(starts, words.split(), strict=True)
    )


def test_no_texts_give_no_vectors(embedder: OnnxEmbedder) -> None:
    assert embedder.embed([]) == []


def test_what_is_alike_in_meaning_is_near(embedder: OnnxEmbedder) -> None:
    full, space, redis = sentences_of(embedder.embed([TEXTS[3], TEXTS[4], TEXTS[2]]))
    assert full @ space > full @ redis + 0.2


def test_a_word_is_nearest_to_the_word_that_means_the_same(embedder: OnnxEmbedder) -> None:
    asked, said = embedder.embed(["crash", "certificate node crashed volume"])
    cosines = (asked.tokens.astype(float) @ said.tokens.astype(float).T / TOKEN_SCALE**2)[0]
    crashed = said.starts.index("certificate node crashed".index("crashed"))
    assert int(cosines.argmax()) == crashed


def test_an_embedding_does_not_depend_on_the_texts_beside_it(embedder: OnnxEmbedder) -> None:
    alone = [embedder.embed([text])[0] for text in TEXTS]
    assert all(map(are_alike, embedder.embed(TEXTS), alone))


def test_threads_can_share_an_embedder(embedder: OnnxEmbedder) -> None:
    expected = embedder.embed(TEXTS)
    results: list[bool] = []

    def embed() -> None:
        results.extend(all(map(are_alike, embedder.embed(TEXTS), expected)) for _ in range(3))

    threads = [threading.Thread(target=embed) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 12


def test_a_damaged_model_file_is_named_with_the_way_out(tmp_path: Path, fresh_export: Path) -> None:
    shutil.copytree(fresh_export, tmp_path, dirs_exist_ok=True)
    (model,) = (tmp_path / "embeddings").glob("*.onnx")
    model.write_bytes(model.read_bytes()[:1_000])
    with pytest.raises(EmbeddingUnavailable, match="cannot be loaded") as caught:
        open_embedder(tmp_path)
    assert str(model) in caught.value.hint


def test_an_exported_model_runs_without_importing_torch(
    embedder: OnnxEmbedder, cache_dir: Path
) -> None:
    program = (
        "import sys; from pathlib import Path; from knowledge.embedding import open_embedder;"
        "open_embedder(Path(sys.argv[1])).embed(['x']);"
        "print([name for name in ('torch', 'sentence_transformers') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(cache_dir)],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
