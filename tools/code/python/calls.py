"""The calls of a program by their full names, whatever it imported them as."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Call:
    """`name` is the full dotted name ("subprocess.run"); of an object's method, `.method`."""

    name: str
    node: ast.Call
    text: str
    line: int

    def argument(self, position: int, *keywords: str) -> ast.expr | None:
        """The argument at the position (negative: none), or by one of the keywords."""
        for keyword in self.node.keywords:
            if keyword.arg in keywords:
                return keyword.value
        in_reach = 0 <= position < len(self.node.args)
        return self.node.args[position] if in_reach else None

    def is_true(self, keyword: str) -> bool:
        """Whether the keyword is given, and certainly true."""
        value = self.argument(-1, keyword)
        return isinstance(value, ast.Constant) and bool(value.value)

    def is_false(self, keyword: str) -> bool:
        """Whether the keyword is given as False."""
        value = self.argument(-1, keyword)
        return isinstance(value, ast.Constant) and value.value is False


@dataclass(frozen=True)
class Program:
    """A parsed program: its tree, its calls in order, and what its names are assigned."""

    code: str
    tree: ast.Module

    @cached_property
    def nodes(self) -> Sequence[ast.AST]:
        """Every node of the tree."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def imported(self) -> Mapping[str, str]:
        """Local name -> full name, for each import."""
        names: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for one in node.names:
                    first = one.name.partition(".")[0]
                    names[one.asname or first] = one.name if one.asname else first
            elif isinstance(node, ast.ImportFrom):
                for one in node.names:
                    names[one.asname or one.name] = f"{node.module or ''}.{one.name}"
        return names

    @cached_property
    def assigned(self) -> Mapping[str, tuple[ast.expr, ...]]:
        """Each name's assigned expressions."""
        found: dict[str, list[ast.expr]] = {}
        for node in self.nodes:
            for name, value in _assignments(node):
                found.setdefault(name, []).append(value)
        return {name: tuple(values) for name, values in found.items()}

    @cached_property
    def calls(self) -> Sequence[Call]:
        """The calls in the order of their lines."""
        found = [
            Call(self.name_of(node.func), node, self.text_of(node), node.lineno)
            for node in self.nodes
            if isinstance(node, ast.Call)
        ]
        return tuple(sorted(found, key=lambda call: call.line))

    def name_of(self, node: ast.expr) -> str:
        """The full name of what is called."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name):
            first = self.imported.get(node.id, node.id if not parts else "")
            # A variable's method is known by the method alone.
            return ".".join([first, *reversed(parts)])
        return f".{parts[0]}" if parts else ""

    def text_of(self, node: ast.AST) -> str:
        """The source text of the node."""
        return ast.get_source_segment(self.code, node) or ""

    def only_value(self, node: ast.expr) -> ast.expr:
        """What the expression is, when it is a name that is assigned just once."""
        for _ in range(5):
            values = self.assigned.get(node.id, ()) if isinstance(node, ast.Name) else ()
            if len(values) != 1:
                break
            node = values[0]
        return node

    def literal(self, node: ast.expr | None) -> str | None:
        """The text that the expression certainly is; a path of literals counts."""
        if node is None:
            return None
        node = self.only_value(node)
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Call) and self.name_of(node.func) in (
            "pathlib.Path",
            "str",
            "os.path.join",
        ):
            parts = [self.literal(one) for one in node.args]
            return "/".join(one for one in parts if one) if parts and None not in parts else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            left, right = self.literal(node.left), self.literal(node.right)
            return f"{left}/{right}" if left and right else None
        return None

    def shell_text(self, node: ast.expr) -> str:
        """The expression as shell code, each value that is not known a variable (`"$name"`)."""
        named, node = node, self.only_value(node)
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.JoinedStr):
            return "".join(self.shell_text(part) for part in node.values)
        if isinstance(node, ast.FormattedValue):
            return self.shell_text(node.value)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self.shell_text(node.left) + self.shell_text(node.right)
        literal = self.literal(node)
        return literal if literal is not None else f"${_variable_name(named)}"


def _variable_name(node: ast.expr) -> str:
    name = (
        node.id
        if isinstance(node, ast.Name)
        else node.attr
        if isinstance(node, ast.Attribute)
        else "value"
    )
    return re.sub(r"\W", "_", name)


def _assignments(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield target.id, node.value
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and isinstance(node.target, ast.Name):
        if node.value is not None:
            yield node.target.id, node.value
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield node.target.id, node.value
    elif isinstance(node, ast.For | ast.comprehension) and isinstance(node.target, ast.Name):
        yield node.target.id, ast.Starred(node.iter, ast.Load())
    elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
        yield node.optional_vars.id, node.context_expr


def read_program(code: str) -> Program | None:
    """The program that `code` is; None when it does not parse."""
    try:
        return Program(code, ast.parse(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
