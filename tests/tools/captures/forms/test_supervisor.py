from tools.captures import parse

HEALTHY = """shop:cart                        RUNNING   pid 71, uptime 3 days, 0:12:01
shop:web                         RUNNING   pid 72, uptime 3 days, 0:12:00
"""


def test_running_programs_are_no_finding() -> None:
    assert parse(HEALTHY) == []


def test_programs_that_do_not_run() -> None:
    text = HEALTHY + (
        "orders                           FATAL     Exited too quickly (see the log)\n"
        "mail                             BACKOFF   Exited too quickly\n"
        "batch                            EXITED    Jan 05 10:00 AM\n"
        "later                            STOPPED   Not started\n"
    )
    found = parse(text)
    assert [(one.line, one.note.split()[0]) for one in found] == [
        (3, "orders"),
        (4, "mail"),
        (5, "batch"),
        (6, "later"),
    ]
    assert found[0].note == "orders could not be started, and supervisor has given up"
    assert found[3].suspicion < 0.3


def test_a_program_that_just_started_stands_out() -> None:
    text = HEALTHY + "mail     RUNNING   pid 99, uptime 0:00:07\n"
    (found,) = parse(text)
    assert found.note.startswith("mail started 7 seconds before")


def test_all_young_programs_are_no_finding() -> None:
    assert parse("a  RUNNING  pid 1, uptime 0:00:07\nb  RUNNING  pid 2, uptime 0:00:07\n") == []
