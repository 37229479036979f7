"""Names and certificates between services: expired, for another name, not to be resolved."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from benchmarks.incidents.incident import Evidence, Incident
from benchmarks.incidents.machine import replace
from benchmarks.incidents.nginx import start_nginx
from benchmarks.incidents.scene import Scene, clock, now_iso
from benchmarks.incidents.visitors import Call, visit

_HOSTS = """\
127.0.0.1 localhost
127.0.1.1 <host>
127.0.0.1 inventory.internal inventory-v2.internal
"""


def _issue(name: str, lifetime: timedelta) -> None:
    # Only a recording needs cryptography: the suite can be described without it.
    from benchmarks.incidents.certificates import issue

    issue(name, lifetime)


def _inventory(scene: Scene, name: str, host: str) -> None:
    replace("/etc/hosts", _HOSTS.replace("<host>", host))
    scene.write("/srv/www/stock.json", '{"lamp": 14}\n')
    start_nginx(
        scene,
        "listen 8443 ssl;\n"
        f"ssl_certificate /srv/tls/{name}.pem;\nssl_certificate_key /srv/tls/{name}.key;\n"
        "ssl_session_timeout 10s;\nroot /srv/www;\n",
    )


def _expired(scene: Scene) -> None:
    _issue("inventory.internal", timedelta(seconds=45))
    _inventory(scene, "inventory.internal", host_name())
    scene.serve(
        "stock_sync.py",
        "stock-sync",
        environment={"URL": "https://inventory.internal:8443/stock.json", "CA": "/srv/tls/ca.pem"},
    )
    scene.wait(85)
    certificate = "/srv/tls/inventory.internal.pem"
    scene.capture(
        "openssl-x509.txt", f"openssl x509 -in {certificate} -noout -subject -issuer -dates"
    )
    scene.capture("date.txt", "date -u")
    scene.capture(
        "curl-inventory.txt",
        "curl -sS -v --cacert /srv/tls/ca.pem https://inventory.internal:8443/stock.json",
    )


def _wrong_name(scene: Scene) -> None:
    _issue("inventory.internal", timedelta(days=60))
    _inventory(scene, "inventory.internal", host_name())
    environment = {
        "PORT": "8060",
        "INVENTORY": "https://inventory.internal:8443/stock.json",
        "NODE_EXTRA_CA_CERTS": "/srv/tls/ca.pem",
    }
    old = scene.serve("availability.js", "availability", environment=environment)
    scene.wait(1)
    visit(8060, 8, lambda dice: Call(f"/available/{dice.randint(1, 400)}"))
    scene.wait(30)
    scene.note("change", clock())
    scene.append(
        "config-rollout.log",
        f"{now_iso()} rollout 402: availability: INVENTORY inventory.internal -> "
        f"inventory-v2.internal\n{now_iso()} rollout 402: restarting availability\n",
    )
    old.terminate()
    old.wait()
    environment["INVENTORY"] = "https://inventory-v2.internal:8443/stock.json"
    scene.serve("availability.js", "availability", environment=environment)
    scene.wait(35)
    scene.capture(
        "openssl-s_client.txt",
        "openssl s_client -connect inventory-v2.internal:8443 -servername inventory-v2.internal "
        "-CAfile /srv/tls/ca.pem </dev/null 2>/dev/null | openssl x509 -noout -subject -dates "
        "-ext subjectAltName",
    )
    scene.capture("getent-hosts.txt", "getent hosts inventory.internal inventory-v2.internal")


def _no_such_name(scene: Scene) -> None:
    replace("/etc/resolv.conf", "nameserver 127.0.0.53\noptions timeout:2 attempts:1\n")
    scene.write("/srv/resolver/zone.txt", "ledger.shop.internal 127.0.0.1\n")
    Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")
    scene.serve("resolver.py", "resolver")
    scene.serve("api.py", "ledger", environment={"PORT": "8071"})
    environment = {"PORT": "8070", "LEDGER": "http://ledger.shop.internal:8071/entries"}
    old = scene.serve("billing.js", "billing", environment=environment)
    scene.wait(2)
    visit(8070, 5, lambda dice: Call(f"/invoice/{dice.randint(1, 9000)}"))
    scene.wait(25)
    scene.append("config-rollout.log", f"{now_iso()} rollout 77: billing.env changed by ci\n")
    scene.write(
        "/srv/billing/billing.env", "PORT=8070\nLEDGER=http://ledger.shop.interal:8071/entries\n"
    )
    scene.append("config-rollout.log", f"{now_iso()} rollout 77: restarting billing\n")
    old.terminate()
    old.wait()
    environment["LEDGER"] = "http://ledger.shop.interal:8071/entries"
    scene.serve("billing.js", "billing", environment=environment)
    scene.wait(35)
    scene.capture("resolv-conf.txt", "cat /etc/resolv.conf")
    scene.capture("billing-env.txt", "cat /srv/billing/billing.env")
    scene.capture("getent-hosts.txt", "getent hosts ledger.shop.internal")
    scene.capture("curl-ledger.txt", "curl -sS -i http://ledger.shop.internal:8071/entries")


def host_name() -> str:
    """What this machine is called."""
    return Path("/proc/sys/kernel/hostname").read_text().strip()


INCIDENTS = (
    Incident(
        name="tls-expired",
        kind="diagnosis",
        question="stock-sync does not update the stock any more. Why, and what should I do?",
        how="the certificate of nginx at inventory.internal expires while stock-sync runs",
        expected=(
            "The TLS certificate of inventory.internal has expired, so stock-sync refuses the "
            "connection; it has to be renewed.",
        ),
        patterns=(r"certificate|cert\b", r"expir"),
        restart="no",
        evidence=(
            Evidence("logs/stock-sync.log", r"certificate has expired"),
            Evidence("captures/openssl-x509.txt", r"notAfter="),
            Evidence("captures/curl-inventory.txt", r"certificate has expired"),
        ),
        play=_expired,
    ),
    Incident(
        name="tls-wrong-name",
        kind="diagnosis",
        question="Since <change> availability answers 502. What changed and why does it fail?",
        how="availability is pointed to a new host name that the server's certificate does not "
        "have",
        expected=(
            "Rollout 402 pointed availability to inventory-v2.internal, but the server's "
            "certificate is only valid for inventory.internal.",
        ),
        patterns=(r"cert|altname|host ?name", r"inventory-v2"),
        restart="no",
        evidence=(
            Evidence("logs/availability.log", r"does not match certificate's altnames"),
            Evidence("captures/openssl-s_client.txt", r"DNS:inventory\.internal"),
            Evidence("logs/config-rollout.log", r"-> inventory-v2\.internal"),
        ),
        play=_wrong_name,
    ),
    Incident(
        name="dns-typo",
        kind="diagnosis",
        question="billing cannot write invoices to the ledger. What is the reason?",
        how="a rollout misspells the ledger's host name; a real resolver answers NXDOMAIN",
        expected=(
            "Since rollout 77 billing's LEDGER names ledger.shop.interal (misspelt), which does "
            "not resolve; ledger.shop.internal does and the ledger is fine.",
        ),
        patterns=(r"interal|misspel|typo", r"resolv|ENOTFOUND|dns|name|host"),
        restart="no",
        evidence=(
            Evidence("logs/billing.log", r"getaddrinfo ENOTFOUND ledger\.shop\.interal"),
            Evidence("captures/billing-env.txt", r"interal"),
        ),
        play=_no_such_name,
        host="billing-1",
    ),
)
