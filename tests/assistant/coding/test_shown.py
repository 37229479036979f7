from assistant.coding.generated import Generated
from assistant.coding.shown import markdown_of
from tools.code.report import CodeReport, Danger, Problem


def test_the_code_stands_alone_and_its_checks_behind_it() -> None:
    report = CodeReport(
        "kubernetes",
        (
            Problem(2, 1, "error", "K1", "no such kind", "schemas"),
            Problem(1, 1, "warning", "K2", "so so", "schemas"),
        ),
        (Danger(1, "rm -rf `x`", "deletes all", "Do not."),),
        touches=("creates a pod",),
        checked_by=("schemas 1.31",),
        not_checked=("kubectl: not installed",),
    )
    assert markdown_of(Generated("kubernetes", "kind: Pad\n", report)) == (
        "```yaml\nkind: Pad\n```\n\n"
        "- **Danger** in line 1: `` rm -rf `x` `` deletes all. Do not.\n"
        "- **Error**, line 2: no such kind (schemas K1)\n"
        "- This touches: creates a pod. It was not run.\n"
        "- Checked by schemas 1.31.\n"
        "- Not checked: kubectl: not installed."
    )


def test_nothing_in_the_code_ends_its_fence() -> None:
    shown = markdown_of(Generated("bash", "cat <<'END'\n````\nEND\n", CodeReport("bash")))
    assert shown.startswith("`````bash\ncat")
    assert shown.count("`````") == 2


def test_code_that_breaks_off_is_said_to() -> None:
    broken = Generated("bash", "if\n", CodeReport("bash"), is_whole=False)
    assert "- **Error**: the code breaks off" in markdown_of(broken)
