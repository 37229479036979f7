import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.logs.templates import Masker, merge

NAMES = ["ann", "bob", "cy", "dee", "eve", "flo", "gus", "hal", "ida", "jo"]


def merged(*templates: str) -> list[str]:
    return [template for template, _ in merge(templates)]


def mask_and_merge(*messages: str) -> list[str]:
    masker = Masker()
    return merged(*map(masker.mask, messages))


@pytest.mark.parametrize(
    ("messages", "template"),
    [
        ([f"login of user={name} ok today" for name in NAMES[:4]], "login of user=<*> ok today"),
        ([f"load of {name}.so took long" for name in NAMES[:4]], "load of <*> took long"),
        ([f"fetch /srv/{name}.txt for {name}.cfg" for name in NAMES[:4]], "fetch <*> for <*>"),
        ([f"session closed for user {name}" for name in NAMES[:3]], "session closed for user <*>"),
        ([f"sync of {name}-3 took long" for name in NAMES[:3]], "sync of <*> took long"),
        ([f"hello to {name} again" for name in NAMES[:4]], "hello to <*> again"),
        ([f"removing {name}" for name in NAMES[:8]], "removing <*>"),
        ([f"{name} looks fine" for name in NAMES[:5]], "<*> looks fine"),
        ([f"{a} sends mail to {b}" for a, b in zip(NAMES, NAMES[::-1], strict=True)],
         "<*> sends mail to <*>"),
        ([f"buy {a}{b}X now at once" for a in "PQRST" for b in "KLMN"], "buy <*> now at once"),
        (["stored in 5 KB, free 7 KB", "stored in 5 B, free 7 KB"], "stored in <*>, free <n> KB"),
        (["took 350ms here", "took 1.2s here", "took 1m3s here", "took 5 s here"], "took <*> here"),
        (["sent 5 bytes now", "sent 5000 bytes (5 KB) now"], "sent <*> now"),
        (["dear 0x0f end", "dear 15 end"], "dear <*> end"),
        (["from 1.2.3.4 (a.b.com) at", "from 1.2.3.4 () at"], "from <host> (<*>) at"),
        (["sync to 1.2.3.4, ok", "sync to LOCAL(0), ok"], "sync to <*> ok"),
        (["up since Fri Jun 17 07:07:00 2005", "up since Sat Jul 2 07:00 2005"], "up since <time>"),
        (["lease of pod web-7f9f8d6c5b-x2v4q", "lease of pod web-68c5b66c4d-zrkzb"],
         "lease of pod web-<id>"),
        ([f'job "{name} and {name}" waits' for name in NAMES[:5]], "job <*> waits"),
        (["delete blk_1", "delete blk_1 blk_2 blk_3"], "delete blk_<n>"),
    ],
)  # fmt: skip
def test_what_differs_in_values_is_joined(messages: list[str], template: str) -> None:
    assert mask_and_merge(*messages) == [template]


@pytest.mark.parametrize(
    "messages",
    [
        ["cannot reach redis for login", "cannot reach postgres for login"],
        ["job ended late", "job ended early", "job ended somehow"],
        ["login of user=ann now", "login of user=bo now", "login of user=cy now"],
        ["sync of ann-3 took long", "sync of bo-3 took long"],
        ["session closed for user ann", "session closed for user bo"],
        [f"connection {how} by peer at once"
         for how in ("refused", "reset", "closed", "dropped", "aborted", "timeout", "rejected")],
        [f"import of orders {how}" for how in ("failed", "succeeded", "completed", "started",
         "stopped", "paused", "resumed", "aborted", "finished", "skipped-not")],
        [f"caught java.lang.{name}Exception in a loop" for name in ("Io", "Nul", "Sql", "Net")],
        [f"caught {name}Error in loop" for name in ("Value", "Key", "Type", "Index", "Os", "Name")],
        [f"task moved to {state}" for state in ("NEW", "RUNNING", "DONE", "QUEUED", "BUSY")],
        [f"{verb} of the order list" for verb in ("GET", "PUT", "POST", "HEAD", "PATCH", "TRACE")],
        [f"pod web: state={state} now" for state in ("odd", "green", "grown", "pale", "done")],
        [f"pod web has reason: {why}" for why in ("Grown", "Preempted", "Rotten", "Odd", "Wet")],
        [f"removing {name}" for name in NAMES[:7]],
        [f"{NAMES[n]} knows error {NAMES[~n]} of it" for n in range(10)],
        [f"write: {code} on disk" for code in ("ENOSPC", "EACCES", "ENOENT", "EPERM", "EROFS")],
        ['say "no route" to all', 'say "i/o timeout" to all', 'say "all is well" to all'],
        ["tty=:0 of root", "tty=NODEV of root"],
        ["num=5,flags=2 seen", "top=5,flags=2 seen", "at=5,flags=2 seen", "by=5 seen"],
        ["one.thing other/thing", "some.thing odd/thing"],
        ["two words", "three little words"],
    ],
    ids=lambda messages: messages[0],
)  # fmt: skip
def test_what_tells_the_cause_stays_apart(messages: list[str]) -> None:
    assert len(mask_and_merge(*messages)) == len(messages)


def test_a_cause_stands_out_among_values() -> None:
    users = [f"hello to {name} again" for name in NAMES]
    assert merged(*users, "hello to failed again") == [
        "hello to <*> again",
        "hello to failed again",
    ]


def test_names_beside_a_cause_are_joined_for_each_cause() -> None:
    templates = [f"user={name} login {how}" for name in NAMES for how in ("failed", "succeeded")]
    assert merged(*templates) == ["user=<*> login failed", "user=<*> login succeeded"]


def test_words_joined_show_new_variables() -> None:
    """Each of the five has hosts of its own: only when they are joined, the five are alike."""
    hosts = [f"{name}{number}" for name in NAMES[:5] for number in NAMES[:5]]
    templates = [f"{NAMES[n // 5]} lives with {host}" for n, host in enumerate(hosts)]
    assert merged(*templates) == ["<*> lives with <*>"]


def test_what_is_alike_in_another_template_proves_nothing() -> None:
    """Five values in one sentence make none of a word in another."""
    templates = [f"send {name} to the printer" for name in NAMES]
    assert merged(*templates, "keep ann in the cellar", "keep bob in the cellar") == [
        "send <*> to the printer",
        "keep ann in the cellar",
        "keep bob in the cellar",
    ]


def test_kinds_are_never_mixed() -> None:
    templates = [f"job name={n} ended" for n in "abcd"]
    assert len(merge(templates, list("wxyz"))) == 4
    assert merge(["same", "same"], ["x", "y"]) == [("same", [0]), ("same", [1])]


def test_a_single_template_stays_as_it_is() -> None:
    assert merge(["delete blk_<n> blk_<n>  (<n> KB)"]) == [
        ("delete blk_<n> blk_<n>  (<n> KB)", [0])
    ]
    assert merge([]) == []
    assert merge(["", " "]) == [("", [0, 1])]


def test_groups_come_in_the_order_of_the_templates() -> None:
    users = [f"user={name} here" for name in "abcdab"]
    assert merge(["last one", *users, "one", "first one", "last one"]) == [
        ("last one", [0, 9]),
        ("user=<*> here", [1, 2, 3, 4, 5, 6]),
        ("one", [7]),
        ("first one", [8]),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_templates_does_not_matter(seed: int) -> None:
    dice = random.Random(seed)
    words = NAMES[:6]
    templates = list({" ".join(dice.choices(words, k=dice.randint(1, 5))) for _ in range(300)})
    templates += [f"user {a} on {b}" for a in NAMES for b in dice.sample(NAMES, 4)]
    templates += [f"read /a/{a} of {b}.so" for a in NAMES for b in dice.sample(NAMES, 2)]
    groups = as_groups(templates)
    dice.shuffle(templates)
    assert as_groups(templates) == groups


def as_groups(templates: list[str]) -> set[tuple[str, frozenset[str]]]:
    return {
        (template, frozenset(templates[one] for one in positions))
        for template, positions in merge(templates)
    }


@given(
    st.lists(
        st.lists(
            st.sampled_from(
                ["<n>", "<host>,", "a", "b", "a.b", "X", "failed", "k=v", "()", '"', "s"]
            ),
            max_size=6,
        ).map(" ".join),
        max_size=40,
    ),
    st.integers(1, 3),
)
def test_every_template_lands_in_exactly_one_group(templates: list[str], num_kinds: int) -> None:
    kinds = [position % num_kinds for position in range(len(templates))]
    groups = merge(templates, kinds)
    assert sorted(one for _, group in groups for one in group) == list(range(len(templates)))
    assert all(len({kinds[one] for one in group}) == 1 for _, group in groups)
    assert all(group == sorted(group) for _, group in groups)


def test_many_different_templates() -> None:
    dice = random.Random(1)
    words = ["".join(dice.choices(string.ascii_lowercase, k=7)) for _ in range(3000)]
    others = [" ".join(dice.choices(words, k=10)) for _ in range(10_000)]
    users = [f"user {a} logs in from {b} today" for a, b in zip(words, words[::-1], strict=True)]
    groups = merge([*others, *users])
    assert len(groups) == len(others) + 1
    assert groups[-1][0] == "user <*> logs in from <*> today"


@pytest.mark.parametrize(
    "piece", ["w ", "<n> ", '"', '"a', "<n>", "<", "a=", "-a", "x_Y", "()", "a: ", "<n>h", "<n> ("]
)
def test_hostile_templates_are_merged_in_time(piece: str) -> None:
    template = piece * 3000
    groups = merge([template, f"{template}x", f"x{template}"])
    assert sorted(one for _, group in groups for one in group) == [0, 1, 2]
