"""worker: does later what nobody waits for: receipts, and charges that failed. Logs logfmt."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, replace

from assistant.demo.services import log
from assistant.demo.services.wire import Reply, Request, call, port_of, serve

PAUSE_S = 0.2

_jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do for an order; `attempt` counts from 1."""

    kind: str
    order: str
    amount_cents: int
    attempt: int = 1


def answer(request: Request) -> Reply:
    """202: the job is in the queue."""
    body = request.body
    _jobs.put(Job(body["job"], body["order"], body["amount_cents"]))
    return Reply(202, {"queue_depth": _jobs.qsize()})


def _work() -> None:
    while True:
        job = _jobs.get()
        problem = _do(job)
        if not problem:
            _log("info", "job done", job=job.kind, order=job.order, queue_depth=_jobs.qsize())
            continue
        _jobs.put(replace(job, attempt=job.attempt + 1))
        _log(
            "warn",
            "job failed, put back",
            job=job.kind,
            order=job.order,
            attempt=job.attempt,
            error=problem,
            queue_depth=_jobs.qsize(),
        )
        time.sleep(PAUSE_S)


def _do(job: Job) -> str:
    """Why `job` could not be done; empty when it was."""
    if job.kind == "receipt":
        return ""
    charge = {"order": job.order, "amount_cents": job.amount_cents}
    try:
        reply = call("payments", "POST", "/charge", charge)
    except OSError as error:
        return f"payments: {error.strerror or error}"
    return "" if reply.status < 500 else f"payments: HTTP {reply.status}"


def _log(level: str, message: str, **fields: object) -> None:
    pairs = {"ts": log.now_iso(), "level": level, "msg": message, **fields}
    log.write(" ".join(f"{key}={_value(value)}" for key, value in pairs.items()))


def _value(value: object) -> str:
    text = str(value)
    return f'"{text}"' if " " in text else text


if __name__ == "__main__":
    _log("info", "worker listening", port=port_of("worker"))
    threading.Thread(target=_work, daemon=True).start()
    serve("worker", answer)
