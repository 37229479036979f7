from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from knowledge.embedding import MAX_TOKENS, OnnxEmbedder, open_embedder
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


def test_vectors_are_normalised_float32(embedder: OnnxEmbedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.dtype(np.float32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_no_texts_give_no_vectors(embedder: OnnxEmbedder) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_what_is_alike_in_meaning_is_near(embedder: OnnxEmbedder) -> None:
    full, space, redis = embedder.embed([TEXTS[3], TEXTS[4], TEXTS[2]])
    assert full @ space > full @ redis + 0.2


def test_a_vector_does_not_depend_on_the_texts_beside_it(embedder: OnnxEmbedder) -> None:
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    assert embedder.embed(TEXTS) == pytest.approx(alone, abs=1e-5)


def test_threads_can_share_an_embedder(embedder: OnnxEmbedder) -> None:
    expected = embedder.embed(TEXTS)
    results: list[bool] = []

    def embed() -> None:
        results.extend(np.allclose(embedder.embed(TEXTS), expected, atol=1e-5) for _ in range(3))

    threads = [threading.Thread(target=embed) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 12


def test_a_damaged_model_file_is_named_with_the_way_out(tmp_path: Path, cache_dir: Path) -> None:
    exported = open_embedder(cache_dir)
    assert exported.embed(["x"]).shape == (1, 384)
    (model,) = (cache_dir / "embeddings").glob("*.onnx")
    damaged = tmp_path / "embeddings" / model.name
    damaged.parent.mkdir()
    damaged.write_bytes(model.read_bytes()[:1_000])
    tokenizer = model.with_suffix(".tokenizer.json")
    (damaged.parent / tokenizer.name).write_bytes(tokenizer.read_bytes())
    with pytest.raises(EmbeddingUnavailable, match="cannot be loaded") as caught:
        open_embedder(tmp_path)
    assert str(damaged) in caught.value.hint


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
