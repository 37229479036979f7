"""mail-worker: hands queued mails to the relay, one after another."""

from __future__ import annotations

import json
import os
import smtplib
import time
from email.message import EmailMessage

import redis
from logs import open_log

HOST, PORT = os.environ["RELAY"].split(":")

log = open_log("mail.worker", "plain")
store = redis.Redis()


def send(relay: smtplib.SMTP, entry: dict[str, str]) -> None:
    """Deliver one mail."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@shop.example", entry["to"], "Your password"
    mail.set_content("Follow the link to choose a new password.")
    relay.send_message(mail)
    log.info("delivered %s to %s", entry["template"], entry["to"])


def main() -> None:
    """Work for ever, with a sign of life every five seconds."""
    relay = smtplib.SMTP(HOST, int(PORT), local_hostname="mail-1.shop.example")
    log.info("connected to relay %s:%s", HOST, PORT)
    delivered, next_sign = 0, time.monotonic() + 5
    while True:
        popped = store.blpop(["mails"], timeout=1)
        if popped:
            send(relay, json.loads(popped[1]))
            delivered += 1
        if time.monotonic() >= next_sign:
            log.info("heartbeat: %d delivered, queue %d", delivered, store.llen("mails"))
            next_sign += 5


if __name__ == "__main__":
    main()
