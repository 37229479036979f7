import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.logs.templates import Masker, mask_token

# The words that masks look for, in any order, and what may stand between them.
CHARACTERS = "0a7fZ -_/.:=<>[](){},;|?&@+%#'\""
FRAGMENTS = (
    "<n> <host> :: 0x eyJ Jun Mon UTC 1 23 2026-01-02 T03:04:05Z deadbeef com io ms blk_ v1 x2v4q"
)
PIECES = st.sampled_from([*CHARACTERS, *FRAGMENTS.split()])


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("plain words only", "plain words only"),
        ("two   spaces", "two spaces"),
        ("Request processed in 100ms", "Request processed in <n>ms"),
        ("user2 and user102", "user<n> and user<n>"),
        ("used -5 of +7, 85% of 1.5GB", "used <n> of <n>, <n>% of <n>GB"),
        ("in 01/02, 3-4 and 1,234.5", "in <n>, <n> and <n>"),
        ("id 123e4567-e89b-12d3-a456-426614174000 ok", "id <uuid> ok"),
        ("rm /x/123e4567-e89b-12d3-a456-426614174000_del", "rm /x/<uuid>_del"),
        ("at 0x7fff and deadbeef01", "at <hex> and <hex>"),
        ("mask=ffffffff or FFFFFFFF, decade", "mask=<hex> or <hex>, decade"),
        ("pull app@sha256:9f86d081884c7d65", "pull app@sha<n>:<hex>"),
        ("10.0.0.1ffffffff is odd", "<host><hex> is odd"),
        ("i-0abc123def456789 is gone", "i-<hex> is gone"),
        ("req-k92x86k8msd done", "req-<id> done"),
        ("java.lang.Object@1a2b3c waits", "java.lang.Object@<hex> waits"),
        ("pool-3-thread-17 died", "pool-<n>-thread-<n> died"),
        ("main.go:12 Foo.java:7 db.py:31", "main.go:<n> Foo.java:<n> db.py:<n>"),
        ("v1.2.3-rc1 of HTTP/1.1", "v<n>-rc<n> of HTTP/<n>"),
    ],
)
def test_numbers_and_ids(message: str, template: str) -> None:
    masker = Masker()
    assert masker.mask(message) == template
    assert masker.mask(message) == template, "the second time comes from the cache"


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("user 42 from 10.0.0.1:8080", "user <n> from <host>"),
        ("10.0.0.0/8 and 1.2.3.4.5", "<host> and <n>"),
        ("db.example.com:5432 is gone", "<host> is gone"),
        ("to redis.default.svc.cluster.local:6379", "to <host>"),
        ("www.163.cn:80 close", "<host> close"),
        ("fe80::1ff:fe23:4567:890a%eth0 up", "<host> up"),
        ("at [2001:db8::1]:8080, ::1", "at <host>, <host>"),
        ("2001:db8:0:0:0:0:2:1 up", "<host> up"),
        ("std::string abc::def 12:30:01", "std::string abc::def <n>"),
        ("from 00:1A:2b:3c:4d:5e and 00-1a-2b-3c-4d-5f", "from <mac> and <mac>"),
        ("mail to a.b@example.com", "mail to <email>"),
        ("com.example.Service.run failed", "com.example.Service.run failed"),
        ("read app.config.json in lib.rs", "read app.config.json in lib.rs"),
    ],
)
def test_addresses(message: str, template: str) -> None:
    assert Masker().mask(message) == template


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("GET /api/users/123 HTTP/1.1", "GET /api/users/<n> HTTP/<n>"),
        ("GET /users/5/orders?page=2&q=x HTTP/1.1", "GET /users/<n>/orders?<query> HTTP/<n>"),
        ("https://a.example.com/v1/u/1/o?x=y", "https://<host>/v<n>/u/<n>/o?<query>"),
        ("is it 5? x=1", "is it <n>? x=<n>"),
        ("cannot open /etc/app.conf", "cannot open /etc/app.conf"),
        ("/data/sub1/sub22/blk_-7 and /data/blk_5", "/data/blk_<n> and /data/blk_<n>"),
        ("GET /api/v2/17", "GET /api/v<n>/<n>"),
        ("/v2/17/servers /overlay2/9f86d0/etc", "/v<n>/<n>/servers /overlay<n>/<hex>/etc"),
    ],
)  # fmt: skip
def test_paths_keep_what_tells(message: str, template: str) -> None:
    assert Masker().mask(message) == template


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("pod checkout-7f9f8d6c5b-x2v4q lost", "pod checkout-<id> lost"),
        ("pod checkout-68c5b66c4d-zrkzb lost", "pod checkout-<id> lost"),
        ("pod node-exporter-x2v4q lost", "pod node-exporter-<id> lost"),
        ("pod db-0 lost", "pod db-<n> lost"),
        ("pod backup-28391234-x2v4q lost", "pod backup-<n>-<id> lost"),
        ("pod my-nginx-https lost", "pod my-nginx-https lost"),
        ("container 4f5c2d1e9b7a died", "container <hex> died"),
    ],
)
def test_pods_and_containers(message: str, template: str) -> None:
    assert Masker().mask(message) == template


@pytest.mark.parametrize(
    "token",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "aGVsbG8gd29ybGQgMTIzNDU2Nzg=",
        "4k2JqDq8ZPx0aXbM",
    ],
)
def test_tokens_are_no_words(token: str) -> None:
    assert Masker().mask(f"token {token} expired") == "token <id> expired"


@pytest.mark.parametrize("key", ["lastKnownIpAddress=", "NSUnderlyingError="])
def test_long_keys_are_no_tokens(key: str) -> None:
    assert "<id>" not in Masker().mask(f"{key} and {key}5 and {key}<n>")


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("at Fri Jun 17 07:07:00 2005", "at <time>"),
        ("at Sat Jul  9 2005, again", "at <time>, again"),
        ("on Mon, 02 Jan 2026 15:04:05 GMT was", "on <time> was"),
        ("since Aug 11 07:03:44 PDT 2005 down", "since <time> down"),
        ("expires 2026-01-02T03:04:05.123Z soon", "expires <time> soon"),
        ("Jun and Sat said: March on", "Jun and Sat said: March on"),
    ],
)
def test_dates_of_any_length_are_one_mark(message: str, template: str) -> None:
    assert Masker().mask(message) == template


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("hosts 10.0.0.1,10.0.0.2,10.0.0.3 up", "hosts <host> up"),
        ("ids=[1,2,3] or 4;5", "ids=[<n>] or <n>"),
        ("attempt_1445_0001_m_000003_0 ended", "attempt_<n> ended"),
        ("attempt_1445_0001_r_000003_1 ended", "attempt_<n> ended"),
        ('{"id": 5, "name": "x"}', '{"id": <n>, "name": "x"}'),
    ],
)
def test_lists_of_any_length_are_one_mark(message: str, template: str) -> None:
    assert Masker().mask(message) == template


@given(st.lists(PIECES, max_size=12).map("".join))
def test_masking_a_template_changes_nothing(text: str) -> None:
    masked = Masker().mask(text)
    assert Masker().mask(masked) == masked


@pytest.mark.parametrize(
    "piece",
    ["a.", "a@", "1:", "1/", "-1a", "/a1", "a=1?", "f", "::", "eyJ", "<n>", "/<n>", "_1_a", "4kJq"],
)
def test_hostile_tokens_are_masked_in_time(piece: str) -> None:
    masked = mask_token(piece * 5000)
    assert mask_token(masked) == masked


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.logs.templates.masks._CACHE_LIMIT", 2)
    masker = Masker()
    assert [masker.mask(f"a{n} b{n}") for n in range(5)] == ["a<n> b<n>"] * 5
    assert len(masker._tokens) <= 2
