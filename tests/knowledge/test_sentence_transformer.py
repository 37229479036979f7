from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from knowledge.embedding import TOKEN_SCALE, OnnxEmbedder, open_embedder, sentences_of
from knowledge.errors import EmbeddingUnavailable
from knowledge.sentence_transformer import SentenceTransformerEmbedder

if TYPE_CHECKING:
    from knowledge.embedding import Vectors

TEXTS = [
    "",
    "pod is crash looping",
    "RedisDown > Diagnosis\nLook for the out-of-memory killer in the kernel's log.",
    "naïve 日本 🚒",
    "far more words than the model reads " * 256,
]
# No token of it is left out, and none is truncated.
PLAIN_TEXT = (
    "etcd members lost quorum leader election failed network partition between control plane nodes "
    "volume nearly full kubelet evicts pods disk pressure certificate expired"
)


@pytest.fixture(scope="module")
def reference() -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder()


def test_the_exported_model_gives_the_same_vectors(
    embedder: OnnxEmbedder, reference: SentenceTransformerEmbedder
) -> None:
    expected = reference.sentences(TEXTS)
    assert sentences_of(embedder.embed(TEXTS)) == pytest.approx(expected, abs=1e-3)


def test_projected_tokens_keep_the_cosines_of_the_models_own(
    embedder: OnnxEmbedder, reference: SentenceTransformerEmbedder
) -> None:
    words = PLAIN_TEXT.replace("between ", "")
    whole = reference.model.encode(words, output_value="token_embeddings").numpy()[1:-1]
    projected = embedder.embed([words])[0].tokens.astype(np.float32)
    assert len(projected) == len(whole)
    errors = np.abs(projected @ projected.T / TOKEN_SCALE**2 - cosines(whole))
    assert float(errors.mean()) < 0.08
    assert float(errors.max()) < 0.4


def cosines(vectors: Vectors) -> Vectors:
    normalised = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Vectors = normalised @ normalised.T
    return found


def test_exporting_is_silent_leaves_only_whole_files_and_gives_the_same_again(
    tmp_path: Path, fresh_export: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    again = open_embedder(tmp_path).embed(TEXTS)
    assert capfd.readouterr() == ("", "")
    names = sorted(path.suffix for path in (tmp_path / "embeddings").iterdir())
    assert names == [".json", ".onnx"]
    for one, other in zip(again, open_embedder(fresh_export).embed(TEXTS), strict=True):
        assert one.sentence == pytest.approx(other.sentence)
        assert one.starts == other.starts
        assert np.array_equal(one.tokens, other.tokens)


def test_an_export_that_is_interrupted_leaves_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("torch.onnx.export", interrupt)
    with pytest.raises(KeyboardInterrupt):
        open_embedder(tmp_path)
    assert [path.suffix for path in (tmp_path / "embeddings").iterdir()] == [".json"]


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "embeddings").write_text("a file where the folder should be")
    with pytest.raises(EmbeddingUnavailable, match="cannot be written") as caught:
        open_embedder(tmp_path)
    assert "writable" in caught.value.hint
