"""resolver: the company's name server, for the names in zone.txt."""

from __future__ import annotations

import socket
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from logs import open_log

log = open_log("resolver", "klog")


def main() -> None:
    """Answer for ever."""
    zone = dict(line.split() for line in Path("zone.txt").read_text().splitlines())
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.53", 53))
    log.info("serving zone", extra={"names": len(zone)})
    while True:
        content, client = listener.recvfrom(4096)
        listener.sendto(answer(dns.message.from_wire(content), zone).to_wire(), client)


def answer(query: dns.message.Message, zone: dict[str, str]) -> dns.message.Message:
    """The name's address, or NXDOMAIN."""
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.RA
    question = query.question[0]
    address = zone.get(question.name.to_text(omit_final_dot=True))
    if address is None:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    elif question.rdtype == dns.rdatatype.A:
        reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", address))
    return reply


if __name__ == "__main__":
    main()
