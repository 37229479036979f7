"""`midwatch bench`: how fast the local model answers on this machine, alone and with others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.completion import model_names
from assistant.cli.context import context_of
from assistant.cli.output import note, print_json, stdout_console, visible

if TYPE_CHECKING:
    from assistant.benchmark.figures import FirstToken, Plan, Report
    from assistant.settings import Settings

_MAX_USERS = 256


def _users(text: str) -> str:
    """Refuse what is not a list of numbers of users."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 1 <= int(part) <= _MAX_USERS for part in parts):
        raise typer.BadParameter(f"give numbers from 1 to {_MAX_USERS}, as 1,2,4")
    return text


def bench(
    context: typer.Context,
    model: Annotated[
        str | None,
        typer.Option(
            help="Measure this model, or GGUF file, instead of the one that is set.",
            autocompletion=model_names,
            show_default=False,
        ),
    ] = None,
    users: Annotated[
        str, typer.Option(help="How many users at once, one after another.", callback=_users)
    ] = "1,2,4,8,16",
    prompt_tokens: Annotated[
        int, typer.Option(min=16, help="Tokens of the system prefix that users share.")
    ] = 700,
    answer_tokens: Annotated[int, typer.Option(min=2, help="Tokens of each answer.")] = 64,
    runs: Annotated[int, typer.Option(min=1, help="How often; figures are medians.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure times to the first token, rates, many users at once, and memory."""
    from assistant.benchmark.figures import Plan
    from assistant.benchmark.figures import as_json as json_object

    plan = Plan(tuple(map(int, users.split(","))), prompt_tokens, answer_tokens, runs)
    report = asyncio.run(_measured(_with_model(context_of(context).settings, model), plan))
    if as_json:
        print_json(json_object(report))
    else:
        _print_report(report)


def _with_model(settings: Settings, name: str | None) -> Settings:
    if name is None:
        return settings
    model = settings.model.model_copy(update={"name": name})
    return settings.model_copy(update={"model": model})


async def _measured(settings: Settings, plan: Plan) -> Report:
    from assistant.benchmark.run import measure

    return await measure(settings, plan, lambda text: note(f"measuring: {text}"))


def _print_report(report: Report) -> None:
    machine, plan = report.machine, report.plan
    print(
        visible(
            f"{report.model} on {machine.processors} processors ({machine.system} "
            f"{machine.architecture}), up to {machine.threads} threads\n"
            f"{plan.prompt_tokens} tokens of prefix, {plan.answer_tokens} of answer, medians of "
            f"{plan.runs} runs\n"
        )
    )
    _print_single(report)
    print()
    _print_loads(report)


def _print_single(report: Report) -> None:
    from rich.table import Column, Table

    first, rates, memory = report.first_token, report.rates, report.memory
    table = Table("one user", Column("", justify="right"), "", box=None, pad_edge=False)
    table.add_row("first token, fresh process", f"{first.cold_s:.2f}", "s")
    table.add_row("  with a snapshot of the prefix", f"{first.snapshot_s:.2f}", _unit(first))
    table.add_row("  of it until the model is loaded", f"{first.loading_s:.2f}", "s")
    table.add_row("first token, prefix in the cache", f"{first.warm_s:.2f}", "s")
    table.add_row("prefill", f"{rates.prefill_tokens_per_s:.0f}", "tokens/s")
    table.add_row("decode", f"{rates.decode_tokens_per_s:.1f}", "tokens/s")
    table.add_row("memory, at most", f"{memory.peak_rss_mib:,.0f}", "MiB")
    table.add_row("  of it KV cache", f"{memory.kv_cache_mib:,.0f}", "MiB")
    table.add_row("prompt tokens from the cache", f"{100 * report.cache.share:.1f}", "%")
    stdout_console().print(table)


def _unit(first: FirstToken) -> str:
    return "s" if first.restored_tokens else "s: no snapshot was found"


def _print_loads(report: Report) -> None:
    from rich.table import Column, Table

    names = ("users", "tokens/s", "first token s", "slowest", "gap ms", "longest")
    table = Table(*(Column(name, justify="right") for name in names), box=None, pad_edge=False)
    for load in report.loads:
        table.add_row(
            str(load.users),
            f"{load.tokens_per_s:.1f}",
            f"{load.ttft_median_s:.2f}",
            f"{load.ttft_slowest_s:.2f}",
            f"{1000 * load.gap_median_s:.0f}",
            f"{1000 * load.gap_longest_s:.0f}",
        )
    stdout_console().print(table)
    if report.preemptions:
        print(f"\n{report.preemptions} requests had to give way: the KV cache was full")
