import pytest

from tools.logs.templates import Masker, merge


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("Request processed in 100ms", "Request processed in <n>ms"),
        ("user 42 from 10.0.0.1:8080", "user <n> from <host>"),
        ("id 123e4567-e89b-12d3-a456-426614174000 ok", "id <uuid> ok"),
        ("at 0x7fff and deadbeef01", "at <hex> and <hex>"),
        ("req-k92x86k8msd done", "req-<id> done"),
        ("user2 and user102", "user<n> and user<n>"),
        ("GET /api/users/123 HTTP/1.1", "GET /api/users/<n> HTTP/<n>"),
        ("mail to a.b@example.com", "mail to <email>"),
        ("db.example.com:5432 is gone", "<host> is gone"),
        ("two   spaces", "two spaces"),
        ("plain words only", "plain words only"),
    ],
)
def test_mask(message: str, template: str) -> None:
    masker = Masker()
    assert masker.mask(message) == template
    assert masker.mask(message) == template, "the second time comes from the cache"


def test_templates_that_differ_in_names_are_merged() -> None:
    templates = [f"login of user={name} ok today" for name in ("ann", "bob", "cy")]
    assert merge(templates) == [("login of <*> ok today", [0, 1, 2])]


def test_errors_that_differ_in_one_word_stay_apart() -> None:
    templates = ["cannot reach redis for login", "cannot reach postgres for login"]
    assert [members for _, members in merge(templates)] == [[0], [1]]


def test_kinds_are_never_mixed() -> None:
    templates = [f"job name={n} ended" for n in "abc"]
    assert len(merge(templates, ["x", "y", "z"])) == 3


def test_lists_of_any_length_are_one_template() -> None:
    assert merge(["delete blk_<n>", "delete blk_<n> blk_<n> blk_<n>"]) == [
        ("delete blk_<n>", [0, 1])
    ]


def test_every_template_lands_in_exactly_one_group() -> None:
    templates = [f"w{n % 7} x{n % 3} y{n}" for n in range(50)]
    members = sorted(member for _, group in merge(templates) for member in group)
    assert members == list(range(50))
