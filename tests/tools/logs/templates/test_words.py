import pytest

from tools.logs.templates.words import (
    Kind,
    Role,
    canonical,
    is_named,
    is_verdict,
    role_of,
    split_words,
)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("a b", ["a", "b"]),
        ("size <n> KB, free <n> B)", ["size", "<n> KB,", "free", "<n> B)"]),
        ("<n> bytes (<n> KB) sent", ["<n> bytes (<n> KB)", "sent"]),
        ("took <<n> sec or <n>m<n>s", ["took", "<<n> sec", "or", "<n>m<n>s"]),
        ("<n> servers of <n>", ["<n>", "servers", "of", "<n>"]),
        ("delete blk_<n> blk_<n> blk_<n> now", ["delete", "blk_<n>", "now"]),
        ("knock knock", ["knock", "knock"]),
        ('tag="View Lock" of "x"', ['tag="View Lock"', "of", '"x"']),
        ('"GET /a HTTP/<n>" <n>', ['"GET', "/a", 'HTTP/<n>"', "<n>"]),
        ('an open " quote', ["an", "open", '"', "quote"]),
        ("", []),
    ],
)
def test_split_words(template: str, words: list[str]) -> None:
    assert split_words(template) == words


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("plain", "plain"),
        ("<n>", "<*>"),
        ("<host>:<n>", "<*>"),
        ("(<host>)", "(<*>)"),
        ("()", "(<*>)"),
        ("<n> KB,", "<*>,"),
        ("<n>ms", "<*>"),
        ("close()", "close()"),
        ("<Foo", "<Foo"),
    ],
)
def test_canonical(word: str, expected: str) -> None:
    assert canonical(word) == expected


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind.MARK, ["<*>", "(<*>),", "<*>:"]),
        (Kind.NAME, ["a.b", "/etc/app.conf", "node<*>", "x2", "/open/close", "app.Delete.daily"]),
        (Kind.WORD, ["redis", '"alice"', "web-server", "user_service:", "Kernel", "standing"]),
        (Kind.CODE, ["NEW", "GET", "IN_TRANSIT"]),
        (Kind.CAUSE, ["failed", "succeeded", "refused", "reset", "timeout", "timed-out", "not"]),
        (Kind.CAUSE, ["willTerminate", "REMOTE_START", "(unreachable)", "RUNNING", "OOMKilled"]),
        (Kind.CAUSE, ["ECONNRESET", "SIGKILL", "java.net.ConnectException", "ValueError:"]),
    ],
)
def test_kinds(kind: Kind, words: list[str]) -> None:
    assert {word: role_of(word).kind for word in words} == dict.fromkeys(words, kind)


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("user=ann", Role(Kind.NAME, "user=")),
        ("user=<*>", Role(Kind.MARK, "user=")),
        ("user=failed", Role(Kind.CAUSE, "user=")),
        ("state=blue", Role(Kind.CODE, "state=")),
        ("last_status=a.b", Role(Kind.CODE, "last_status=")),
        ("status=<*>", Role(Kind.MARK, "status=")),
        ("lastStatus=green", Role(Kind.CODE, "lastStatus=")),
        ("estate=green", Role(Kind.NAME, "estate=")),
        ("a==b", Role(Kind.NAME, "a=")),
        ("=", Role(Kind.NAME, "")),
    ],
)
def test_pairs(word: str, role: Role) -> None:
    assert role_of(word) == role


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("session for user ann", True),
        ("Invalid user ann", True),
        ("lost on the host ann", True),
        ("user ann", False),
        ("every user ann", False),
        ("for all ann", False),
    ],
)
def test_is_named(sentence: str, named: bool) -> None:
    words = sentence.split()
    assert is_named(words, len(words) - 1) is named


@pytest.mark.parametrize(
    ("sentence", "verdict"),
    [
        ("pod state waiting", True),
        ("Reason: Evicted", True),
        ("(error Foo", True),
        ('"status": "odd"', True),
        ("Evicted", False),
        ("estate green", False),
    ],
)
def test_is_verdict(sentence: str, verdict: bool) -> None:
    words = sentence.split()
    assert is_verdict(words, len(words) - 1) is verdict
