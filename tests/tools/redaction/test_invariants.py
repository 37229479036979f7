"""What holds for any secret in any place: it never comes through, and nothing changes twice."""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.redaction import Redactor
from tools.redaction.secret import PLACEHOLDER

REDACTOR = Redactor(b"a key for tests, 32 bytes long, ok")
ALL = Redactor(b"a key for tests, 32 bytes long, ok", emails=True, addresses=True)
ALNUM = string.ascii_letters + string.digits
FRAGMENT_CHARS = 6


def random_of(alphabet: str, low: int, high: int | None = None) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=low, max_size=high or low)


# Each place takes any secret that its own syntax can hold.
PLACES: dict[str, Callable[[str], str]] = {
    "logfmt": lambda s: f"password={s}",
    "environment": lambda s: f"\nDB_PASSWORD={s}\n",
    "quoted": lambda s: f'password="{s}"',
    "json": lambda s: json.dumps({"user": "bob", "password": s, "n": 1}),
    "json in json": lambda s: json.dumps({"msg": json.dumps({"api_key": s, "n": 1})}),
    "json in json in json": lambda s: json.dumps([json.dumps([json.dumps({"client_secret": s})])]),
    "python": lambda s: repr({"user": "bob", "password": s}),
    "yaml": lambda s: f"\ndb:\n  password: {s}\n  user: bob\n",
    "ini": lambda s: f"\n[db]\npassword = {s}\nuser = bob\n",
    "flag": lambda s: f"app --password {s} --port 80",
    "query": lambda s: f"GET /x?user=bob&access_token={quote(s, safe='')}&page=2 HTTP/1.1",
    "address": lambda s: f"postgres://bob:{quote(s, safe='')}@db:5432/shop?ssl=true",
    "odbc": lambda s: f"Server=db;Uid=bob;Pwd={s};Encrypt=yes",
    "bearer": lambda s: f"Authorization: Bearer {s}",
    "header": lambda s: f"\nX-Api-Key: {s}\nAccept: */*\n",
    "cookie": lambda s: f"Cookie: theme=dark; sid={s}; n=1",
    "xml": lambda s: f"<user>bob</user><password>{s}</password>",
    "pair": lambda s: json.dumps([{"name": "DB_PASSWORD", "value": s}]),
    "kubernetes": lambda s: f"\nkind: Secret\nstringData:\n  anything: {s}\ntype: Opaque\n",
    "kubernetes json": lambda s: json.dumps({"data": {"x": s}, "kind": "Secret"}),
    "sql": lambda s: f"ALTER USER bob WITH PASSWORD '{s}'",
}
# Signs that passwords have, as far as the place leaves them a part of the value.
SIGNS = {
    "quoted": " !#$%&()*+,-./:;=?@^_~",
    "json": " !#$%&()*+,-./:;=?@^_~\"\\'",
    "json in json": " !#$%&()*+,-./:;=?@^_~\"\\'",
    "json in json in json": " !#$%&()*+,-./:;=?@^_~\"'",
    "query": " !#$%&()*+,-./:;=?@^_~\"\\'",
    "address": " !#$%&()*+,-./:;=?@^_~\"\\'",
    "environment": "!#%&()*+,-./:;=?@^_~",
    "xml": " !#%()*+,-./:;=?@^_~",
    "pair": " !#%()*+,-./:;=?@^_~",
    "sql": " !#%()*+,-./:;=?@^_~",
}
OWN_FORMS = st.one_of(
    random_of(string.ascii_uppercase + "234567", 16).map(lambda s: "AKIA" + s),
    random_of(ALNUM, 36).map(lambda s: "ghp_" + s),
    random_of(ALNUM + "-_", 20).map(lambda s: "glpat-" + s),
    random_of(ALNUM, 24).map(lambda s: "xoxb-123456789012-" + s),
    random_of(ALNUM, 24).map(lambda s: "sk_live_" + s),
    random_of(ALNUM, 36).map(lambda s: "npm_" + s),
    random_of(ALNUM, 34).map(lambda s: "hf_" + s),
    random_of(ALNUM + "-_", 35).map(lambda s: "AIza" + s),
    st.tuples(random_of(ALNUM, 12), random_of(ALNUM, 20), random_of(ALNUM + "-_", 43)).map(
        lambda parts: "eyJ" + ".".join(parts)
    ),
    st.tuples(random_of(ALNUM, 22), random_of(ALNUM, 31)).map(lambda p: "$2y$10$" + "".join(p)),
)
# Words between blanks, and lines: what a secret stands in.
AROUND = st.lists(
    st.sampled_from("abc XYZ 019 .,:;!?()[]{}<>=&|/\\\"'`-_#@%$\n\t«»é")
    | st.sampled_from(["password=", "token: ", "key", "://", "Bearer ", "redacted-secret-0a1b2c"]),
    max_size=20,
).map("".join)


def survives(secret: str, text: str, frame: str) -> str:
    """The first piece of `secret` of six characters in `text`; empty when there is none.

    What stands in `frame`, the text without the secret, may stay.
    """
    pieces = (secret[i : i + FRAGMENT_CHARS] for i in range(len(secret) - FRAGMENT_CHARS + 1))
    bare = PLACEHOLDER.sub("<>", text)
    return next((piece for piece in pieces if piece in bare and piece not in frame), "")


def hard(place: str) -> st.SearchStrategy[str]:
    """A generated password for `place`: letters and figures at both ends, signs between."""
    inner = random_of(ALNUM + SIGNS.get(place, "+-_."), 8, 40)
    # No mask (`***`, `xxxxxx`), and no reference (`$name`, `%name%`): those are kept on purpose.
    return st.builds("k7{}Q9".format, inner).filter(
        lambda s: "***" not in s and "xxxxxx" not in s.lower()
    )


@pytest.mark.parametrize("place", PLACES)
@given(data=st.data())
def test_no_piece_of_a_secret_comes_through(place: str, data: st.DataObject) -> None:
    secret = data.draw(hard(place))
    before, after = data.draw(AROUND), data.draw(AROUND)
    held = PLACES[place](secret)
    shown = REDACTOR.redact(f"{before}\n{held}\n{after}")
    frame = f"{before}\n{PLACES[place]('')}\n{after}"
    written = secret if secret in held else quote(secret, safe="")
    assert not survives(secret, shown, frame)
    assert not survives(written, shown, frame)
    assert REDACTOR.redact(shown) == shown


@given(OWN_FORMS, AROUND, AROUND)
def test_a_token_is_known_wherever_it_stands(secret: str, before: str, after: str) -> None:
    shown = REDACTOR.redact(f"{before} {secret} {after}")
    assert not survives(secret, shown, f"{before}  {after}")
    assert REDACTOR.redact(shown) == shown


@given(st.lists(AROUND | OWN_FORMS, max_size=6).map("".join), st.sampled_from([REDACTOR, ALL]))
def test_a_second_time_changes_nothing(text: str, redactor: Redactor) -> None:
    shown = redactor.redact(text)
    assert redactor.redact(shown) == shown


@given(st.sampled_from([p for p in PLACES if p != "bearer"]), random_of(ALNUM, 10, 30))
def test_one_secret_has_one_placeholder_everywhere(place: str, inner: str) -> None:
    secret = f"k7{inner}Q9"
    [expected] = PLACEHOLDER.findall(REDACTOR.redact(f'password="{secret}"'))
    assert expected in REDACTOR.redact(PLACES[place](secret))


@given(st.lists(st.sampled_from(["the", "disk", "of", "db", "7", "is", "full", "since", "02:00"])))
def test_text_without_secrets_is_the_same_object(words: list[str]) -> None:
    text = " ".join(words)
    assert REDACTOR.redact(text) is text


HOSTILE_PIECES = [
    *(
        "password",
        "password=",
        "password: ",
        'password="',
        "password='",
        'password=\\"',
        "pass ",
        "token=",
    ),
    *(
        "a.",
        "a-",
        "a_",
        "=",
        ":",
        " ",
        "\t",
        '"',
        "\\",
        '\\"',
        "{",
        "[",
        "<",
        "&token=",
        ";pwd=",
        "?",
    ),
    *(
        "://",
        "://a:",
        "://a:b@",
        "://a@",
        "@",
        "x@y.",
        "1:",
        "::",
        "4111 ",
        "4111",
        "1.1.1.1",
        "-p ",
    ),
    *(
        "--password ",
        "mysql ",
        "mysql -p",
        "curl -u ",
        "redis-cli ",
        "eyJ",
        "eyJa.",
        "eyJaaaaa.aaaa.",
    ),
    *(
        "AKIA",
        "ghp_",
        "sk-",
        "$2y$10$",
        "$6$a$",
        "$",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
    ),
    *(
        "-----BEGIN PRIVATE KEY-----\n",
        "A" * 64 + "\n",
        "LS0tLS1CRUdJTi",
        "Cookie: ",
        "Cookie: a=b;",
        "a=b;",
    ),
    *(
        "Authorization: ",
        "Bearer ",
        "Authorization: AWS4 Signature=",
        "kind: Secret\n",
        "data:\n  a: b\n",
    ),
    *(
        '"kind":"Secret"',
        '"data":{',
        "password: |\n",
        "  a\n",
        "name: password ",
        "<password>",
        "token=***",
    ),
    *(
        "identified by ",
        "with a password ",
        "redacted-secret-0a1b2c",
        "redacted-",
        "\x1b[31m",
        "\x1b[",
        "password >",
        "|",
    ),
    *("user/pw@", "oracle:a/", "a:b@tcp(", "SG.", "xoxb-", "é", "token=${", "login a password "),
]


@pytest.mark.parametrize("piece", HOSTILE_PIECES)
def test_a_long_hostile_line_is_gone_through_and_the_secret_behind_it_found(piece: str) -> None:
    """A line of 100,000 characters would take minutes where time grew with its square."""
    text = piece * (100_000 // len(piece)) + "\npassword=hunter2xyz\n" + piece * 10
    shown = ALL.redact(text)
    assert "hunter2xyz" not in shown
    assert ALL.redact(shown) == shown
