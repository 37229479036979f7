"""All comparisons in one run: the figures that the engine is to reach, as one table.

    python benchmarks/figures.py --server-python DIR/bin/python [--model NAME] [--json]

DIR is a virtual environment with `pip install xllamacpp`. Each part is a script of its own here and
says in its docstring what the work is. The machine should have nothing else to do meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable

import bare_decode
import chat_llama_cpp
import fresh_start
import long_prompt
import server_comparison
import tool_call
from comparing import Options, Row, progress, run_driver

PARTS: tuple[Callable[[Options], list[Row]], ...] = (
    server_comparison.rows,
    bare_decode.rows,
    fresh_start.rows,
    tool_call.rows,
    long_prompt.rows,
    chat_llama_cpp.rows,
)


def main() -> None:
    """Measure everything and print the table."""
    run_driver(__doc__, rows)


def rows(options: Options) -> list[Row]:
    """The rows of all parts."""
    found = []
    for number, part in enumerate(PARTS, start=1):
        progress(f"part {number} of {len(PARTS)}: {part.__module__}")
        found += part(options)
    return found


if __name__ == "__main__":
    main()
