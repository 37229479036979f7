"""Rules for text and data that become code: eval, pickle, yaml, SQL."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.code.python.calls import Call, Program
from tools.code.python.danger import Rule, danger_of
from tools.code.report import Danger
from tools.code.wordlist import words

_UNPICKLES = (
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "cPickle.load",
    "cPickle.loads",
    "dill.load",
    "dill.loads",
    "cloudpickle.load",
    "cloudpickle.loads",
    "marshal.load",
    "marshal.loads",
    "shelve.open",
    "jsonpickle.decode",
    "joblib.load",
)
_EXECUTES = (
    "execute",
    "executemany",
    "executescript",
    "read_sql",
    "read_sql_query",
    "raw",
    "fetch",
    "fetchall",
)
_SQL_WORDS = frozenset(words("SELECT INSERT UPDATE DELETE DROP TRUNCATE ALTER CREATE WITH GRANT"))
_DELETES_ALL = {
    "flushall": "empties the whole store",
    "flushdb": "empties the whole store",
    "drop_database": "drops all that is in it",
    "drop_all": "drops every table",
    "drop_collection": "drops a collection with its data",
    "delete_namespace": "deletes a namespace with all that is in it",
    "terminate_instances": "destroys machines for good",
    "delete_db_instance": "destroys a database for good",
    "delete_bucket": "deletes a bucket",
    "delete_stack": "deletes everything that the stack made",
}


def evaluated(call: Call, program: Program) -> Iterator[Danger]:
    """`eval`, `exec` and `__import__` of what is not a literal."""
    if call.name in ("eval", "exec", "builtins.eval", "builtins.exec", "__import__"):
        argument = call.argument(0)
        if argument is not None and program.literal(argument) is None:
            what = "runs whatever the text says as Python code"
            yield danger_of(call, what, "ast.literal_eval for values, json.loads for data")


def unpickled(call: Call, program: Program) -> Iterator[Danger]:
    """Formats that run code when they are read."""
    if call.name in _UNPICKLES or (call.name.endswith("read_pickle") and "pandas" in program.code):
        what = "runs whatever code the data carries"
        yield danger_of(call, what, "json, or data that only this program can write")
    elif call.name in ("yaml.load", "yaml.load_all"):
        loader = call.argument(1, "Loader")
        if loader is None or "Safe" not in ast.unparse(loader):
            yield danger_of(call, "builds whatever object the text names", "yaml.safe_load")
    elif call.name in ("yaml.unsafe_load", "yaml.full_load", "yaml.unsafe_load_all"):
        yield danger_of(call, "builds whatever object the text names", "yaml.safe_load")


def sql(call: Call, program: Program) -> Iterator[Danger]:
    """SQL with values put into its text; and what the SQL itself destroys."""
    if call.name.rpartition(".")[2] not in _EXECUTES or not call.node.args:
        return
    first = call.node.args[0]
    if isinstance(first, ast.Call) and program.name_of(first.func).endswith("text") and first.args:
        first = first.args[0]
    statement = program.only_value(first)
    text = program.shell_text(statement) if not _is_built(statement) else _template(statement)
    if not _looks_like_sql(text):
        return
    if _is_built(statement):
        what = "puts values into the text of SQL: a value can be a statement"
        yield danger_of(call, what, "pass them as parameters: execute(sql, (value,))")
    yield from _statement_dangers(call, text, program)


def _is_built(node: ast.expr) -> bool:
    """An f-string with values, `%`, `+` of something not literal, or `.format()`."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp):
        sides = (node.left, node.right)
        return isinstance(node.op, ast.Mod) or not all(
            isinstance(one, ast.Constant) for one in sides
        )
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "format"
    )


def _template(node: ast.expr) -> str:
    """The text with a name for each value."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_template(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _template(node.left) + _template(node.right)
    if isinstance(node, ast.BinOp):
        return _template(node.left)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _template(node.func.value)
    return "some_value"


def _looks_like_sql(text: str) -> bool:
    first = text.split(None, 1)[:1]
    return bool(first) and first[0].upper() in _SQL_WORDS


def _statement_dangers(call: Call, text: str, program: Program) -> Iterator[Danger]:
    from tools.code.sql.dangers import sql_dangers

    dialect = "mysql" if "mysql" in program.code.lower() else "postgres"
    # Marks of parameters are names to the SQL parser.
    plain = text.replace("%s", "some_value").replace("?", "some_value").replace("{}", "some_value")
    for danger in sql_dangers(plain, dialect):
        yield danger_of(call, danger.what, danger.advice)


def wholesale(call: Call, program: Program) -> Iterator[Danger]:
    """Methods of well-known clients that delete much at once."""
    method = call.name.rpartition(".")[2]
    if "." in call.name and method in _DELETES_ALL:
        yield danger_of(call, _DELETES_ALL[method], "look at what it holds first, and back it up")
    if method.startswith("delete_collection_namespaced"):
        yield danger_of(
            call, "deletes every object of the kind", "list what the selector matches first"
        )
    if method in ("delete_many", "remove") and len(call.node.args) == 1:
        only = call.node.args[0]
        if isinstance(only, ast.Dict) and not only.keys:
            yield danger_of(call, "deletes every document", "give a filter, and count first")


RULES: tuple[Rule, ...] = (evaluated, unpickled, sql, wholesale)
