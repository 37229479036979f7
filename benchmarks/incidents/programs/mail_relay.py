"""mail-relay: takes mails over SMTP; behind it a scanner that gets stuck on the hundredth."""

from __future__ import annotations

import os
import socketserver
import time

from logs import open_log

PATIENCE = 100

log = open_log("relay", "plain")


class Dialogue(socketserver.StreamRequestHandler):
    """One client's mails."""

    def handle(self) -> None:
        """Speak SMTP until the client leaves."""
        taken = 0
        self.say("220 relay.shop.example ESMTP")
        while line := self.rfile.readline():
            verb = line.split()[0].upper() if line.strip() else b""
            if verb == b"DATA":
                self.say("354 go ahead")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                taken += 1
                if taken == PATIENCE:
                    time.sleep(3600)
                log.info("queued as %08X", taken * 7919)
                self.say("250 queued")
            else:
                self.say("250 ok")

    def say(self, reply: str) -> None:
        """Answer a line."""
        self.wfile.write(reply.encode() + b"\r\n")


if __name__ == "__main__":
    log.info("listening on 127.0.0.1:%s", os.environ["PORT"])
    address = ("127.0.0.1", int(os.environ["PORT"]))
    socketserver.ThreadingTCPServer(address, Dialogue).serve_forever()
