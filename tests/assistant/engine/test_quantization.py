from __future__ import annotations

import llama_cpp.llama_cpp as api
import pytest

from assistant.engine.quantization import (
    FILE_TYPES,
    Advanced,
    Failed,
    Job,
    Planned,
    Report,
    Written,
    from_line,
    to_line,
)


@pytest.mark.parametrize("name", FILE_TYPES)
def test_a_type_has_the_number_that_llama_cpp_gives_it(name: str) -> None:
    assert FILE_TYPES[name] == getattr(api, f"LLAMA_FTYPE_MOSTLY_{name.upper()}")


def test_a_job_survives_the_command_line() -> None:
    job = Job('/srv/m "odd" ü.gguf', "/srv/.m.gguf", 15, 2, (1, 3), allow_requantize=True)
    assert Job.from_json(job.to_json()) == job


@pytest.mark.parametrize(
    "report",
    [Planned(5, 3), Advanced(4), Written(10, 3, 2, 1), Failed("no\nluck: ü")],
    ids=lambda report: type(report).__name__,
)
def test_a_report_survives_the_pipe(report: Report) -> None:
    line = to_line(report)
    assert "\n" not in line
    assert from_line(line + "\n") == report


@pytest.mark.parametrize("line", ['["Job", {}]', "[]", '{"a": 1}', "llama: hello"])
def test_other_lines_are_no_reports(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own error among them
        from_line(line)
