"""Late interaction: how well each word of a question is answered by the best word of a passage.

For each token of the question, its largest similarity to a token of the passage; of those the mean,
weighted by how rare the token's word is (ColBERT: Khattab and Zaharia 2020; any embedding model's
token vectors serve, at a loss). It sees what the vector of a whole passage blurs: that this very
thing is spoken of somewhere in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knowledge.embedding import TokenVectors, Vectors

# Pairs of tokens that are compared at once. Of more, OpenBLAS makes work for several threads, which
# wait for each other busily: beside a chat model that takes a hundred times as long.
_PAIRS = 2_500


def interactions(
    query: TokenVectors, weights: Vectors, passages: Sequence[TokenVectors]
) -> Vectors:
    """A score for each passage, about 0 to 1: float32 (len(passages),).

    `query` is int8 (n, 96) as `knowledge.embedding` makes it, `weights` float32 (n,) with sum 1 or
    nothing; so is each passage. A passage without tokens scores 0.
    """
    import numpy as np

    from knowledge.embedding import TOKEN_SCALE

    asked = query.astype(np.float32) / np.float32(TOKEN_SCALE**2)
    scores = np.zeros(len(passages), dtype=np.float32)
    for place, passage in enumerate(passages):
        if len(passage) and len(asked):
            scores[place] = weights @ _best(asked, passage.astype(np.float32))
    return scores


def _best(asked: Vectors, passage: Vectors) -> Vectors:
    """For each row of `asked`, the largest product with a row of `passage`."""
    import numpy as np

    rows = max(_PAIRS // len(passage), 1)
    blocks = (asked[first : first + rows] for first in range(0, len(asked), rows))
    return np.concatenate([(block @ passage.T).max(axis=1) for block in blocks])
