"""Retrieval: does the right document come back, what does each stage bring, and what does it cost?

    python benchmarks/retrieval.py --queries FILE.jsonl --corpus DIR [--corpus DIR ...]
        [--distractors DIR ...] [--data-dir DIR] [--fit] [--json]

The folders of the corpus are ingested into an empty knowledge base, and the questions are asked;
then the distractors are ingested too, and the questions are asked again. `retrieval_quality.py`
describes the file of questions. In the row "search as it answers" a refused question has no answer;
the other rows refuse none. With `--data-dir` the knowledge base is kept there, and what is there
already is not embedded again. Memory in use with the distractors is after all that came before.

`--fit` fits the weights of `knowledge.search.scoring.confidence` to the answerable questions and
those in `unknown_systems.txt`, which nothing in the corpus should answer, and prints them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs
import psutil
from confidence_fit import FEATURE_SETS, Fit, as_it_is, first_views, fitted, read_unknown
from retrieval_quality import Quality, Question, quality, read_questions
from retrieval_stages import Ranked, ranked_by_search, ranked_by_stage
from rich.console import Console
from rich.table import Table

from assistant.benchmark.figures import this_machine
from knowledge.base import DEFAULT_MIN_SCORE, KnowledgeBase, open_knowledge_base
from knowledge.catalog import Catalog
from knowledge.embedding import OnnxEmbedder, open_embedder
from knowledge.ingest import IngestReport

UNKNOWN_SYSTEMS = Path(__file__).with_name("unknown_systems.txt")
AS_IT_ANSWERS = "search as it answers"
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """What an ingest and the questions after it cost. Sizes on disk are per 1,000 chunks."""

    documents: int
    chunks: int
    ingest_s: float
    embedded_chunks: int
    chunks_per_s: float
    embedding_share: float
    second_run_s: float
    query_p50_ms: float
    query_p95_ms: float
    resident_mib: float
    catalog_mib: float
    vectors_mib: float


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one knowledge base: quality by stage and style, refusals, and the cost."""

    quality: dict[str, dict[str, Quality]]
    refused_answerable: float
    refused_unanswerable: float
    cost: Cost


@dataclass(frozen=True, slots=True)
class Bench:
    """The knowledge base under test, and its parts."""

    data_dir: Path
    base: KnowledgeBase
    embedder: OnnxEmbedder

    @property
    def catalog(self) -> Catalog:
        """The catalog of the knowledge base."""
        return Catalog(self.data_dir / "knowledge" / "catalog.sqlite3")


def main() -> None:
    """Measure and print the figures."""
    options = _parser().parse_args()
    questions = read_questions(options.queries)
    fits: dict[str, Fit] = {}
    with _opened(options.data_dir) as bench:
        found = {"corpus": measured(bench, questions, options.corpus)}
        if options.fit:
            fits = fit(bench, questions)
        if options.distractors:
            everything = [*options.corpus, *options.distractors]
            found["corpus and distractors"] = measured(bench, questions, everything)
    if options.json:
        print(json.dumps(_as_json(found, fits)))
    else:
        _print(found, fits)


def measured(bench: Bench, questions: Sequence[Question], folders: Sequence[Path]) -> Figures:
    """Ingest `folders` and ask the questions."""
    _progress(f"ingesting {', '.join(folder.name for folder in folders)}")
    report = bench.base.ingest(folders)
    again = bench.base.ingest(folders)
    _progress(f"asking {len(questions)} questions")
    bench.base.search("warm up")
    queries_ms = sorted(_query_ms(bench.base, question.query) for question in questions)
    cost = _cost(bench, report, again.duration_s, queries_ms)
    _progress("asking each stage")
    ranked = {
        **ranked_by_stage(questions, bench.catalog, bench.embedder),
        "search": ranked_by_search(questions, bench.base, 0.0),
        AS_IT_ANSWERS: ranked_by_search(questions, bench.base, DEFAULT_MIN_SCORE),
    }
    return Figures(
        quality={name: _by_style(questions, paths) for name, paths in ranked.items()},
        refused_answerable=_refused(questions, ranked[AS_IT_ANSWERS], is_answerable=True),
        refused_unanswerable=_refused(questions, ranked[AS_IT_ANSWERS], is_answerable=False),
        cost=cost,
    )


def fit(bench: Bench, questions: Sequence[Question]) -> dict[str, Fit]:
    """The confidence as it is, and its fits, by their features."""
    _progress("fitting the confidence")
    queries = [question.query for question in questions if question.is_answerable]
    answerable = first_views(queries, bench.catalog, bench.embedder)
    unknown = first_views(read_unknown(UNKNOWN_SYSTEMS), bench.catalog, bench.embedder)
    fits = {", ".join(names): fitted(answerable, unknown, names) for names in FEATURE_SETS}
    return {"as it is": as_it_is(answerable, unknown), **fits}


def _by_style(questions: Sequence[Question], ranked: Ranked) -> dict[str, Quality]:
    """The quality over all questions, under "", and over those of each style."""
    styles = dict.fromkeys(question.style for question in questions)
    return {"": quality(questions, ranked)} | {
        style: quality([one for one in questions if one.style == style], ranked) for style in styles
    }


def _cost(
    bench: Bench, report: IngestReport, second_run_s: float, queries_ms: Sequence[float]
) -> Cost:
    folder = bench.data_dir / "knowledge"
    thousands = max(bench.base.num_chunks, 1) / 1_000
    vectors_bytes = sum(file.stat().st_size for file in (folder / "chroma").rglob("*"))
    catalog_bytes = sum(file.stat().st_size for file in folder.glob("catalog.*"))
    return Cost(
        documents=bench.base.num_documents,
        chunks=bench.base.num_chunks,
        ingest_s=report.duration_s,
        embedded_chunks=report.chunks,
        chunks_per_s=report.chunks / report.duration_s,
        embedding_share=report.embedding_s / report.duration_s,
        second_run_s=second_run_s,
        query_p50_ms=queries_ms[len(queries_ms) // 2],
        query_p95_ms=queries_ms[int(len(queries_ms) * 0.95)],
        resident_mib=psutil.Process().memory_info().rss / _MIB,
        catalog_mib=catalog_bytes / _MIB / thousands,
        vectors_mib=vectors_bytes / _MIB / thousands,
    )


def _query_ms(base: KnowledgeBase, query: str) -> float:
    started = time.perf_counter()
    base.search(query)
    return (time.perf_counter() - started) * 1e3


def _refused(questions: Sequence[Question], ranked: Ranked, *, is_answerable: bool) -> float:
    asked = [question for question in questions if question.is_answerable == is_answerable]
    return sum(not ranked[question.id] for question in asked) / max(len(asked), 1)


def _as_json(found: dict[str, Figures], fits: dict[str, Fit]) -> dict[str, object]:
    return {
        "machine": asdict(this_machine(psutil.cpu_count() or 1)),
        "found": {name: asdict(one) for name, one in found.items()},
        "fits": {name: asdict(one) for name, one in fits.items()},
    }


def _print(found: dict[str, Figures], fits: dict[str, Fit]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 250, highlight=False)
    for name, one in found.items():
        console.print(_quality_table(name, one))
        console.print(
            f"refused at {DEFAULT_MIN_SCORE}: {one.refused_answerable:.1%} of the answerable,"
            f" {one.refused_unanswerable:.1%} of the unanswerable\n"
        )
        for field, value in asdict(one.cost).items():
            console.print(
                f"  {field:16} {value:,.3g}" if value < 100 else f"  {field:16} {value:,.0f}"
            )
        console.print()
    for name, one_fit in fits.items():
        coefficients = "  ".join(f"{key} {n:+.2f}" for key, n in one_fit.coefficients.items())
        console.print(
            f"{name}: threshold {one_fit.threshold:.2f} refuses"
            f" {one_fit.refused_unknown:.1%} of the unknown systems\n  {coefficients}"
        )


def _quality_table(name: str, found: Figures) -> Table:
    table = Table(name, "style", "n", "hit@1", "hit@3", "hit@5", "nDCG@10", box=None)
    for stage, by_style in found.quality.items():
        for style, one in by_style.items():
            if one.num_questions:
                hits = (one.hit_at_1, one.hit_at_3, one.hit_at_5, one.ndcg_at_10)
                shown = (f"{share:.3f}" for share in hits)
                table.add_row(
                    "" if style else stage, style or "all", str(one.num_questions), *shown
                )
    return table


@contextlib.contextmanager
def _opened(data_dir: Path | None) -> Iterator[Bench]:
    cache_dir = Path(platformdirs.user_cache_dir("midwatch"))
    with contextlib.ExitStack() as stack:
        folder = data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        base = stack.enter_context(open_knowledge_base(folder, cache_dir))
        yield Bench(folder, base, open_embedder(cache_dir))


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--queries", type=Path, required=True, help="questions, JSON lines")
    parser.add_argument("--corpus", type=Path, action="append", required=True, help="a folder")
    parser.add_argument("--distractors", type=Path, action="append", default=[], help="a folder")
    parser.add_argument("--data-dir", type=Path, help="default: a temporary folder")
    parser.add_argument("--fit", action="store_true", help="fit the confidence")
    parser.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    main()
