import pytest

from tools.services.aftermath import Aftermath, told_errors
from tools.services.excerpt import Excerpt

OLD = "ERROR no such table: orders"
OTHER = "ERROR cache 7 is cold"


def aftermath(before: list[str], coming: list[str], running: list[str]) -> Aftermath:
    return Aftermath(
        Excerpt(tuple(before)),
        Excerpt((*before, *coming)),
        Excerpt((*before, *coming, *running)),
    )


@pytest.mark.parametrize(
    ("before", "coming", "running", "against", "against_health"),
    [
        ([], [], [], False, False),
        ([OLD], ["up"], ["served"], False, False),
        # The noise of stopping and starting.
        ([], [OTHER], [], False, False),
        ([OLD], [OTHER], [], False, False),
        # It comes back while the service starts.
        ([OLD], [OLD], [], True, False),
        # The service at work goes on as before, or in a new way.
        ([OLD], [], [OLD], True, True),
        ([OLD], [], [OTHER], True, False),
    ],
)
def test_which_errors_speak_against_an_act(
    before: list[str], coming: list[str], running: list[str], against: bool, against_health: bool
) -> None:
    log = aftermath([*before, "INFO a"], coming, running)
    assert log.speaks_against(has_health=False) is against
    assert log.speaks_against(has_health=True) is against_health


def test_values_do_not_make_another_kind() -> None:
    log = aftermath(["ERROR cache 7 is cold"], [], ["ERROR cache 8 is cold"])
    assert log.speaks_against(has_health=True)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (
            aftermath([OLD, "INFO a"], ["INFO up"], [OTHER, OTHER]),
            "2 of 3 lines since are errors; before, 1 of 2 lines were errors",
        ),
        (aftermath([OLD], [], []), "it has logged nothing; before, 1 of 1 line were errors"),
        (aftermath([], ["up"], []), "0 of 1 line since are errors; before, its log was empty"),
        (
            Aftermath(Excerpt(), Excerpt(trouble="no journal"), Excerpt()),
            "its log could not be compared: no journal",
        ),
    ],
)
def test_the_figures_in_words(log: Aftermath, words: str) -> None:
    assert log.in_words() == words


def test_errors_of_the_running_service_count_even_when_the_log_before_is_not_known() -> None:
    log = Aftermath(Excerpt(trouble="no journal"), Excerpt((OLD,)), Excerpt((OLD, OTHER)))
    assert log.speaks_against(has_health=False)
    assert not log.speaks_against(has_health=True)
    assert [kind.newest for kind in log.new_errors.values()] == [OTHER]


def test_a_log_that_cannot_be_read_any_more_speaks_against_nothing() -> None:
    log = Aftermath(Excerpt((OLD,)), Excerpt((OLD,)), Excerpt(trouble="no journal"))
    assert not log.speaks_against(has_health=False)


def test_an_empty_log_has_no_errors() -> None:
    assert told_errors(Excerpt()) == "its log was empty"
