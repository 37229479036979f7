"""Templates: messages with their variable parts masked, and near-identical ones merged.

`Masker` (`tools.logs.templates.masks`) turns one message into a template, by what its words look
like. `merge` (`tools.logs.templates.merging`) then joins distinct templates, by how their words
vary. What a word may stand for is told by `tools.logs.templates.words`.
"""

from tools.logs.templates.masks import Masker, mask_token
from tools.logs.templates.merging import merge

__all__ = ["Masker", "mask_token", "merge"]
