"""Rules for hosts that are not checked, secrets in the code, and servers open to all."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tools.code.python.calls import Call, Program
from tools.code.python.danger import Rule, danger_of
from tools.code.report import Danger, excerpt

_SECRET = re.compile(
    r"(?i)(\w*_)?(pass(word|wd|phrase)?|token|secret|api_?key|access_?key|private_?key|auth_?token)(_\w{1,3})?"
)
_PLACEHOLDER = re.compile(r"(?i)(<.*>|x+|\*+|\.*|change_?me|your[-_ ].*|todo|none|/.*|\w*:)$")


def unchecked_hosts(call: Call, program: Program) -> Iterator[Danger]:
    """`verify=False` and its like."""
    if call.is_false("verify") or call.is_false("verify_ssl") or call.is_false("check_hostname"):
        what = "does not check who answers: anyone between can read and change it"
        yield danger_of(call, what, "give the CA: verify='/path/ca.pem'")
    if call.name in ("ssl._create_unverified_context", "ssl._create_default_https_context"):
        what = "does not check who answers: anyone between can read and change it"
        yield danger_of(call, what, "ssl.create_default_context(cafile=…)")
    if call.name.endswith("set_missing_host_key_policy") and "AutoAddPolicy" in call.text:
        yield danger_of(call, "takes any host's key on trust", "load_host_keys, RejectPolicy")


def open_debuggers(call: Call, program: Program) -> Iterator[Danger]:
    """A server that shows its debugger to all."""
    if call.name.endswith(".run") and call.is_true("debug"):
        host = program.literal(call.argument(0, "host"))
        if host == "0.0.0.0":
            yield danger_of(
                call, "lets anyone on the network run code in its debugger", "debug=False"
            )


def secrets(program: Program) -> Iterator[Danger]:
    """Passwords and keys that stand in the code."""
    for node in program.nodes:
        for name, value in _named_values(node):
            text = value.value if isinstance(value, ast.Constant) else None
            if not isinstance(text, str) or not _SECRET.fullmatch(name):
                continue
            if not _PLACEHOLDER.match(text):
                what = f"{name} stands in the code: whoever reads it, or its history, has it"
                advice = "read it from the environment or a file with mode 600, and change it"
                yield Danger(value.lineno, excerpt(program.text_of(node)), what, advice)


def _named_values(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name | ast.Attribute):
                yield target.id if isinstance(target, ast.Name) else target.attr, node.value
    elif isinstance(node, ast.Call):
        yield from ((one.arg, one.value) for one in node.keywords if one.arg)


RULES: tuple[Rule, ...] = (unchecked_hosts, open_debuggers)
