"""Who may import whom: the layers of the project, and the one home of each large library.

The rules are read off the source, import statement by import statement, so that they hold for code
that no other test runs.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("assistant", "tools", "knowledge", "bots", "tui")

# The most specific package that a module lies in decides.
MAY_IMPORT = {
    "knowledge": {"knowledge"},
    "tools": {"tools", "knowledge"},
    "assistant.engine": {"assistant.engine"},
    "assistant": {"assistant", "assistant.engine", "tools", "knowledge"},
    "assistant.cli": {"assistant", "assistant.engine", "tools", "knowledge", "bots", "tui"},
    "bots": {"bots", "assistant"},
    "tui": {"tui", "assistant"},
}
FRONTS = ("bots", "tui")
COMPOSITION_ROOT = "assistant.cli"

# Library (a name or pattern of its top-level package) -> the only files that may import it, save
# for the type checker. Where patterns overlap, the first decides.
CONFINED = {
    "llama_cpp": ("assistant/engine/llama/*",),
    "chromadb": ("knowledge/store.py",),
    "langchain_community": ("knowledge/loaders.py",),
    "watchfiles": ("knowledge/watching.py",),
    "bs4": ("knowledge/formats/html.py", "knowledge/formats/html_markdown.py"),
    "markdownify": ("knowledge/formats/html_markdown.py",),
    "mammoth": ("knowledge/formats/docx.py",),
    "pypdf": ("knowledge/formats/pdf.py",),
    # The loaders speak in its documents.
    "langchain_core": (
        "assistant/chat/*",
        "assistant/agent/*",
        "assistant/evaluation/second_opinion.py",
        "knowledge/loaders.py",
    ),
    "langchain*": ("assistant/chat/*", "assistant/agent/*"),
    "langgraph*": ("assistant/chat/*", "assistant/agent/*"),
    # Log analysis by columns: slow to import, and a way of thinking of its own.
    "polars": ("tools/logs/columns/*",),
    # Each language's own parser, in the package of its checks.
    "sqlglot": ("tools/code/sql/*",),
    "promql_parser": ("tools/code/promql/*",),
    "tree_sitter": ("tools/code/shell/*",),
    "tree_sitter_bash": ("tools/code/shell/tree.py",),
    "crossplane": ("tools/code/nginx/*",),
    "kubernetes_validate": ("tools/code/kubernetes/*",),
    "docker": ("tools/logs/sources/docker_engine.py",),
    "requests": ("tools/logs/sources/docker_engine.py",),
    "kubernetes": ("tools/logs/sources/kube_cluster.py",),
    # Bounded look-ups that tell their failures apart, and certificates that do not verify.
    "dns": ("tools/probes/*",),
    "cryptography": ("tools/probes/certificate.py",),
    "httpx": ("tools/metrics/http_api.py", "knowledge/store.py", "assistant/client/*"),
    "httpx_sse": ("assistant/client/http.py",),
    "fastapi": ("assistant/server/*",),
    "starlette": ("assistant/server/*",),
    "uvicorn": ("assistant/server/*",),
    "psycopg*": ("assistant/postgres/*",),
    "prometheus_client": ("assistant/observing/*",),
    "opentelemetry": ("assistant/observing/traces.py",),
    "zstandard": ("tools/logs/storage.py",),
    "slack_*": ("bots/slack/*", "bots/slack.py"),
    "textual": ("tui/*",),
}

# Too slow to be imported before it is needed, wherever it is allowed.
HEAVY = (
    "chromadb",
    "docker",
    "fastapi",
    "huggingface_hub",
    "kubernetes",
    "llama_cpp",
    "onnxruntime",
    "openai",
    "polars",
    "sentence_transformers",
    "slack_*",
    "textual",
    "tokenizers",
    "torch",
    "transformers",
)
# Files that nobody imports before the library is needed, and that may therefore do so at the top.
LOADED_LATE = (
    "assistant/agent/*",
    "assistant/chat/*",
    "assistant/engine/llama/*",
    "assistant/evaluation/*",
    "assistant/postgres/*",
    "assistant/server/*",
    "bots/slack/*",
    "knowledge/loaders.py",
    "knowledge/store.py",
    "tools/logs/columns/*",
    "tui/*",
)
HEAVY_OR_LATE = (*HEAVY, "langchain*", "langgraph*")


When = Literal["at import", "in a call", "for types"]


@dataclass(frozen=True)
class Import:
    """One import of `target` (a dotted name) in `path`, and when it is carried out."""

    path: str
    line: int
    target: str
    when: When

    @property
    def library(self) -> str:
        return self.target.split(".")[0]

    def __str__(self) -> str:
        return f"{self.path}:{self.line} imports {self.target}"


def imports_of(source: str, path: str) -> list[Import]:
    return list(_walk(ast.parse(source), path, "at import"))


def _walk(node: ast.AST, path: str, when: When) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        below = _when(child) or when
        yield from (Import(path, line, target, below) for line, target in _targets(child, path))
        yield from _walk(child, path, below)


def _when(node: ast.AST) -> When | None:
    """When the code below `node` runs, where `node` decides that."""
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        return "for types"
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return "in a call"
    return None


def _targets(node: ast.AST, path: str) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Import):
        yield from ((node.lineno, alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute(node, path)
        # `from assistant import engine` imports a module: the longest name is what counts.
        yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _absolute(node: ast.ImportFrom, path: str) -> str:
    if node.level == 0:
        return node.module or ""
    package = path.removesuffix(".py").split("/")[: -node.level]
    return ".".join([*package, *([node.module] if node.module else [])])


def layer_of(name: str) -> str | None:
    """The layer of a dotted name of ours; None for anything else."""
    layers = [layer for layer in MAY_IMPORT if name == layer or name.startswith(f"{layer}.")]
    return max(layers, key=len, default=None)


def module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def breaks_layers(imported: Import) -> bool:
    importer, target = layer_of(module_of(imported.path)), layer_of(imported.target)
    assert importer is not None, imported.path
    if target is None:
        return False
    # The command line is part of `assistant`, and only itself may import it.
    return target != importer and target not in MAY_IMPORT[importer]


def breaks_lazy_fronts(imported: Import) -> bool:
    is_root = layer_of(module_of(imported.path)) == COMPOSITION_ROOT
    return is_root and imported.library in FRONTS and imported.when == "at import"


def breaks_confinement(imported: Import) -> bool:
    homes = [homes for pattern, homes in CONFINED.items() if fnmatch(imported.library, pattern)]
    is_at_home = not homes or _is_in(imported.path, homes[0])
    return not is_at_home and imported.when != "for types"


def breaks_lazy_libraries(imported: Import) -> bool:
    is_slow = any(fnmatch(imported.library, pattern) for pattern in HEAVY_OR_LATE)
    return is_slow and imported.when == "at import" and not _is_in(imported.path, LOADED_LATE)


def _is_in(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(path, pattern) for pattern in patterns)


RULES = [breaks_layers, breaks_lazy_fronts, breaks_confinement, breaks_lazy_libraries]


def our_imports() -> list[Import]:
    paths = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    assert len(paths) > 20
    return [
        imported
        for path in paths
        for imported in imports_of(path.read_text(), path.relative_to(ROOT).as_posix())
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_source_keeps_the_rule(rule: object) -> None:
    assert callable(rule)
    assert [str(imported) for imported in our_imports() if rule(imported)] == []


@pytest.mark.parametrize(
    ("path", "source", "broken"),
    [
        ("knowledge/store.py", "import tools.logs", [breaks_layers]),
        ("tools/scope.py", "from assistant.errors import MidwatchError", [breaks_layers]),
        ("tools/scope.py", "from knowledge import store", []),
        ("assistant/engine/a.py", "from assistant.errors import MidwatchError", [breaks_layers]),
        ("assistant/engine/a.py", "from assistant import settings", [breaks_layers]),
        ("assistant/engine/a.py", "from .errors import EngineError", []),
        ("assistant/local.py", "from assistant import engine", []),
        ("assistant/local.py", "import assistant.cli.main", [breaks_layers]),
        ("assistant/local.py", "def f():\n    import tui.app", [breaks_layers]),
        ("assistant/cli/main.py", "def f():\n    from tui.app import run", []),
        ("assistant/cli/main.py", "from tui.app import run", [breaks_lazy_fronts]),
        ("assistant/cli/main.py", "from assistant.cli import render", []),
        ("bots/slack/app.py", "from tui import app", [breaks_layers]),
        ("bots/slack/app.py", "from tools import scope", [breaks_layers]),
        ("bots/slack/app.py", "import slack_bolt.async_app", []),
        ("assistant/engine/llama/model.py", "import llama_cpp", []),
        ("assistant/engine/batch.py", "def f():\n    import llama_cpp", [breaks_confinement]),
        ("assistant/chat/model.py", "from langchain_core.messages import AIMessage", []),
        ("tools/a.py", "def f():\n    from langchain.agents import x", [breaks_confinement]),
        ("assistant/agent/a.py", "import langchain_community.x", [breaks_confinement]),
        ("knowledge/loaders.py", "def f():\n    import langchain_community.x", []),
        ("knowledge/embed.py", "import torch", [breaks_lazy_libraries]),
        ("knowledge/embed.py", "def f():\n    import torch", []),
        ("knowledge/embed.py", "class A:\n    import torch", [breaks_lazy_libraries]),
        ("knowledge/embed.py", "if TYPE_CHECKING:\n    import torch", []),
        ("assistant/local.py", "if TYPE_CHECKING:\n    import langgraph", []),
        ("tools/scope.py", "if TYPE_CHECKING:\n    import assistant.errors", [breaks_layers]),
    ],
)
def test_each_rule_sees_what_breaks_it(path: str, source: str, broken: list[object]) -> None:
    found = imports_of(source, path)
    assert [rule for rule in RULES if any(rule(imported) for imported in found)] == broken


def test_every_library_named_here_is_not_of_the_standard_library() -> None:
    assert not {*CONFINED, *HEAVY} & sys.stdlib_module_names
