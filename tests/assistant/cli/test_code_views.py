from assistant.cli.code_views import report_lines
from tools.code.report import CodeReport, Danger, Problem


def test_an_empty_report_has_a_plan() -> None:
    assert list(report_lines(CodeReport("sql"))) == ["+  touches nothing that the checks know of"]


def test_dangers_come_first_then_problems() -> None:
    report = CodeReport(
        "bash",
        (
            Problem(None, None, "info", "I1", "so so", "a"),
            Problem(4, 1, "error", "E1", "no", "b", "do"),
        ),
        (Danger(None, "rm -rf /", "deletes all", ""),),
    )
    assert list(report_lines(report))[:3] == [
        "!! danger, rm -rf /: deletes all.",
        "-  so so (a I1)",
        "XX line 4: no (b E1), better: do",
    ]


def test_many_problems_and_a_long_dry_run_are_cut() -> None:
    problems = tuple(Problem(n, 1, "warning", "W", "x", "a") for n in range(20))
    dry_run = "\n".join(f"step {n}" for n in range(90))
    lines = list(report_lines(CodeReport("bash", problems, dry_run=dry_run)))
    assert lines[11] == "!  line 11: x (a W)"
    assert lines[12] == "   … and 8 more: see --json"
    assert lines[14] == "+  to try it without effect:"
    assert lines[15].splitlines()[-1] == "     step 29"
