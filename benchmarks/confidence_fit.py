"""The fit of `knowledge.search.scoring.confidence`, with its test on what it was not fitted on.

A logistic regression tells the best part of an answerable question from the best part of a question
about a system that the knowledge base does not know. It is tested as search uses it: a question is
refused when none of its first parts is sure enough.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval_stages import look_at_all

from knowledge.catalog import Catalog
from knowledge.embedding import Embedder
from knowledge.search.query import read_query
from knowledge.search.scoring import Views, confidence
from knowledge.search.search import DECIDING_PARTS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

REFUSED_ANSWERABLE = 0.03
_FOLDS = 8
_SEED = 0

FEATURES: dict[str, Callable[[Views], float]] = {
    "nearest": lambda views: views.nearest,
    "about": lambda views: views.about,
    "words": lambda views: views.words,
    "interaction": lambda views: views.interaction,
    "not names_product": lambda views: float(not views.names_product),
    "not knows_product": lambda views: float(not views.knows_product),
}
FEATURE_SETS = (
    ("nearest", "about", "words"),
    ("nearest", "about", "words", "not names_product", "not knows_product"),
    tuple(FEATURES),
)


@dataclass(frozen=True, slots=True)
class Fit:
    """A fit: its coefficients, and what it does to questions that it was not fitted on.

    `threshold` refuses `REFUSED_ANSWERABLE` of the answerable ones, and so `refused_unknown`, a
    share, of those about unknown systems.
    """

    coefficients: dict[str, float]
    threshold: float
    refused_unknown: float


def read_unknown(file: Path) -> list[str]:
    """The questions in `file`, one a line, without the comments."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def first_views(
    queries: Sequence[str], catalog: Catalog, embedder: Embedder
) -> list[tuple[Views, ...]]:
    """The views of the parts that decide about each of `queries`."""
    with catalog.reading() as known:
        ranked = (look_at_all(read_query(query, embedder), known) for query in queries)
        return [tuple(one.views for one in parts[:DECIDING_PARTS]) for parts in ranked]


def as_it_is(answerable: Sequence[tuple[Views, ...]], unknown: Sequence[tuple[Views, ...]]) -> Fit:
    """`confidence` as it stands in the code."""
    import numpy as np

    sure, unsure = (
        np.array([max(map(confidence, views), default=0.0) for views in side])
        for side in (answerable, unknown)
    )
    threshold = float(np.quantile(sure, REFUSED_ANSWERABLE))
    return Fit({}, threshold, float(np.mean(unsure < threshold)))


def fitted(
    answerable: Sequence[tuple[Views, ...]],
    unknown: Sequence[tuple[Views, ...]],
    names: Sequence[str],
) -> Fit:
    """The fit over the features `names`."""
    import numpy as np
    from sklearn.model_selection import StratifiedKFold  # type: ignore[import-untyped]

    questions = [_features(views, names) for views in (*answerable, *unknown)]
    is_answerable = np.array([True] * len(answerable) + [False] * len(unknown))
    sure = np.zeros(len(questions))
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    for train, test in folds.split(is_answerable, is_answerable):
        model = _model([questions[number] for number in train], is_answerable[train])
        for number in test:
            sure[number] = model.predict_proba(questions[number])[:, 1].max()
    threshold = float(np.quantile(sure[is_answerable], REFUSED_ANSWERABLE))
    refused = float(np.mean(sure[~is_answerable] < threshold))
    return Fit(_coefficients(_model(questions, is_answerable), names), threshold, refused)


def _features(views: Sequence[Views], names: Sequence[str]) -> Floats:
    import numpy as np

    return np.array([[FEATURES[name](one) for name in names] for one in views])


def _model(questions: Sequence[Floats], is_answerable: Any) -> Any:
    """The regression over the best part of each question, both sides counting the same."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]
    from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    return model.fit(np.stack([parts[0] for parts in questions]), is_answerable)


def _coefficients(model: Any, names: Sequence[str]) -> dict[str, float]:
    """Those of the features as they are, not as they were scaled."""
    scaler, regression = model[0], model[1]
    slopes = regression.coef_[0] / scaler.scale_
    constant = regression.intercept_[0] - float(slopes @ scaler.mean_)
    return {"constant": float(constant), **dict(zip(names, map(float, slopes), strict=True))}
