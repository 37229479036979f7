from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.embedding import OnnxEmbedder, open_embedder
from knowledge.errors import EmbeddingUnavailable
from knowledge.sentence_transformer import SentenceTransformerEmbedder

TEXTS = [
    "",
    "pod is crash looping",
    "RedisDown > Diagnosis\nLook for the out-of-memory killer in the kernel's log.",
    "naïve 日本 🚒",
    "far more words than the model reads " * 256,
]


def test_the_exported_model_gives_the_same_vectors(embedder: OnnxEmbedder) -> None:
    reference = SentenceTransformerEmbedder().embed(TEXTS)
    assert embedder.embed(TEXTS) == pytest.approx(reference, abs=1e-3)


def test_exporting_is_silent_and_leaves_only_whole_files(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    exported = open_embedder(tmp_path).embed(TEXTS)
    assert capfd.readouterr() == ("", "")
    names = sorted(path.suffix for path in (tmp_path / "embeddings").iterdir())
    assert names == [".json", ".onnx"]
    assert open_embedder(tmp_path).embed(TEXTS) == pytest.approx(exported)


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
