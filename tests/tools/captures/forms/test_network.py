import pytest

from tools.captures import parse

HEALTHY = [
    ";; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 1\n",
    "HTTP/1.1 200 OK\nserver: nginx\n",
    "2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default\n",
    "3: docker0: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN group d\n",
    "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default\n",
    "nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n"
    "nginx: configuration file /etc/nginx/nginx.conf test is successful\n",
]


@pytest.mark.parametrize("text", HEALTHY)
def test_good_answers_are_no_finding(text: str) -> None:
    assert parse(text) == []


@pytest.mark.parametrize(
    ("line", "note"),
    [
        (";; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 1", "the name does not exist"),
        (";; connection timed out; no servers could be reached", "no name server answers"),
        ("** server can't find db.shop: NXDOMAIN", "the name does not exist"),
        ("curl: (7) Failed to connect to db port 80", "nobody accepts the connection"),
        ("curl: (60) SSL certificate problem", "the certificate is not trusted or not valid"),
        ("< HTTP/1.1 503 Service Unavailable", "the server answers with error 503"),
        ("HTTP/2 403", "the server refuses with 403"),
        (
            "2: eth0: <NO-CARRIER,BROADCAST,UP> mtu 1500 qdisc mq state DOWN group default",
            "network link eth0 has no carrier: cable or switch",
        ),
        (
            'nginx: [emerg] unknown directive "sever" in /etc/nginx/nginx.conf:3',
            "nginx does not accept its configuration",
        ),
    ],
)
def test_bad_answers(line: str, note: str) -> None:
    assert [(one.note, one.text) for one in parse(line)] == [(note, line)]
