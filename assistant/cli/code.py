"""`midwatch code`: code for a request, checked and never run; or the checks of a file alone."""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing, nullcontext
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.code_running import run_code
from assistant.cli.code_views import print_report
from assistant.cli.context import EXIT_FAILED, EXIT_OK, context_of
from assistant.cli.output import Spinner, note, print_json, visible, working
from assistant.cli.stdin import spooled_stdin

if TYPE_CHECKING:
    from assistant.chat.local import LocalChatModel
    from assistant.chat.remote import RemoteChatModel
    from assistant.coding.generate import CodeProgress
    from assistant.coding.generated import Generated
    from assistant.coding.request import Attachment, CodeRequest
    from assistant.settings import Settings
    from tools.code.report import Language

_MAX_ATTACHED_BYTES = 200_000
_MAX_CHECKED_BYTES = 2_000_000


def code(
    context: typer.Context,
    task: Annotated[str, typer.Argument(help="What the code is to do.", show_default=False)] = "",
    lang: Annotated[
        str,
        typer.Option(
            help="bash, python, sql, promql, kubernetes, ansible, systemd, nginx or yaml; "
            "else what the request names, else bash.",
            show_default=False,
        ),
    ] = "",
    files: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", help="A text that the code is about.", show_default=False),
    ] = None,
    look: Annotated[
        bool,
        typer.Option(
            "--look/--no-look",
            help="Show the model the beginnings of the files, and the names in the folders, that "
            "the task names in the current folder.",
        ),
    ] = True,
    out: Annotated[
        Path | None, typer.Option(help="Write the code to this file.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite that file.")] = False,
    check: Annotated[
        Path | None,
        typer.Option(help="Only check this file; no model is asked.", show_default=False),
    ] = None,
    run: Annotated[
        bool, typer.Option("--run", help="Run it in the sandbox, once somebody agrees to it.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option("--in", help="The folder it runs in, and may change.", show_default=False),
    ] = None,
    network: Annotated[
        bool, typer.Option("--network", help="Run it with this machine's network.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Agree to running it, without being asked.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write code, checked by tools and never run by itself. Exits with 1 when it has errors.

    The code alone is on standard output; what the checks say, and what it would touch, on standard
    error. Text piped to standard input is something that the code is about.
    """
    language = _language(lang)
    if not run and (folder is not None or network or yes):
        raise typer.BadParameter("--in, --network and --yes are for --run")
    running = partial(
        run_code,
        context_of(context),
        folder=folder,
        has_network=network,
        yes=yes,
        as_json=as_json,
    )
    if check is not None:
        if task or files or out:
            raise typer.BadParameter("--check looks at one file: leave out the rest")
        checked, status = _check(check, language, as_json=as_json and not run)
        if run and status == EXIT_OK:
            status = running(checked, _read(check, _MAX_CHECKED_BYTES))
        raise typer.Exit(status)
    if not task.strip():
        raise typer.BadParameter("say what the code is to do, or check a file with --check")
    if out is not None:
        _refuse_to_overwrite(out, force=force)
    settings = context_of(context).settings
    with spooled_stdin() as stdin_file:
        attachments = _attachments(files or (), stdin_file)
        at = (folder or Path.cwd()) if look else None
        generated = asyncio.run(_generate(settings, task, language, attachments, at))
    if as_json and not run:
        print_json(json_object(generated))
    else:
        _show(generated, is_code_wanted=out is None and not as_json)
    if out is not None:
        _write(out, generated, force=force)
        note(f"wrote {out}")
    if run and generated.is_sound:
        raise typer.Exit(running(generated.language, generated.code))
    raise typer.Exit(EXIT_OK if generated.is_sound else EXIT_FAILED)


def json_object(generated: Generated) -> dict[str, Any]:
    """The contract of `code --json`."""
    from assistant.coding.generated import plan_line

    return {
        **asdict(generated),
        "plan": plan_line(generated.report),
        "is_sound": generated.is_sound,
    }


def _language(name: str) -> Language | None:
    from tools.code.report import LANGUAGES

    if not name:
        return None
    for language in LANGUAGES:
        if name.lower() == language:
            return language
    raise typer.BadParameter(f"--lang {name} is not one of {', '.join(LANGUAGES)}")


async def _generate(
    settings: Settings,
    task: str,
    language: Language | None,
    attachments: list[Attachment],
    folder: Path | None,
) -> Generated:
    from assistant.coding.generate import generate_code
    from assistant.coding.language import language_of_request

    chosen = language or language_of_request(task)
    with working("loading the model") as spinner:
        preparing = asyncio.to_thread(_request, settings, task, chosen, attachments, folder)
        model, request = await asyncio.gather(_open_model(settings, chosen), preparing)
        try:
            return await generate_code(request, model, on_progress=partial(_tell, spinner))
        finally:
            await model.aclose()


async def _open_model(settings: Settings, language: Language) -> LocalChatModel | RemoteChatModel:
    """The chat model, for one request; a local one has the language's instructions computed."""
    if settings.model.provider == "openai":
        from assistant.chat.remote import open_remote_model
        from assistant.redacting import open_redactor

        redact = open_redactor(settings).redact
        return await asyncio.to_thread(open_remote_model, settings.model, redact)
    from assistant.coding.styles import STYLES
    from assistant.providers import open_local_model

    model = await open_local_model(settings, is_brief=True)
    try:
        await model.warm(STYLES[language].system, ())
    except BaseException:
        await model.aclose()
        raise
    return model


def _request(
    settings: Settings,
    task: str,
    language: Language,
    attachments: list[Attachment],
    folder: Path | None,
) -> CodeRequest:
    """The request with what is known beside it; `folder` is where what it names is looked at."""
    from assistant.coding.preparation import prepare_request
    from assistant.live import metric_backend, open_runbooks

    backend = metric_backend(settings.metrics) if language == "promql" else None
    with (
        open_runbooks(settings) as runbooks,
        nullcontext() if backend is None else closing(backend),
    ):
        request = prepare_request(task, language, attachments, runbooks, backend)
    return request if folder is None else _having_looked(settings, request, folder)


def _having_looked(settings: Settings, request: CodeRequest, folder: Path) -> CodeRequest:
    from assistant.coding.look import look_at
    from assistant.redacting import open_redactor

    looked = look_at(request.task, folder, open_redactor(settings).redact)
    return replace(request, looked=looked)


def _tell(spinner: Spinner, progress: CodeProgress) -> None:
    attempt = f", attempt {progress.round}" if progress.round > 1 else ""
    lines = f": {progress.num_lines} lines" if progress.num_lines else ""
    spinner.update(f"{progress.stage}{attempt}{lines}")


def _attachments(files: list[Path] | tuple[()], stdin_file: Path | None) -> list[Attachment]:
    """The texts that came with the request. Raises SourceNotFound, SourceUnreadable."""
    from assistant.coding.request import Attachment

    found = [Attachment(path.name, _read(path, _MAX_ATTACHED_BYTES)) for path in files]
    if stdin_file is not None:
        found.append(Attachment("standard input", _read(stdin_file, _MAX_ATTACHED_BYTES)))
    return found


def _read(path: Path, limit_bytes: int) -> str:
    """The beginning of a text file. Raises SourceNotFound, SourceUnreadable."""
    from tools.errors import SourceNotFound, SourceUnreadable

    try:
        with path.open("rb") as file:
            return file.read(limit_bytes).decode(errors="replace")
    except FileNotFoundError as error:
        raise SourceNotFound(f"there is no file {path}", "check the path") from error
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror}", "") from error


def _check(path: Path, language: Language | None, *, as_json: bool) -> tuple[Language, int]:
    """The language of the file, and the exit status that its checks come to."""
    from assistant.coding.generated import plan_line
    from tools.code.check import check_code
    from tools.code.detection import detect_language

    text = _read(path, _MAX_CHECKED_BYTES)
    with working("checking"):
        report = check_code(language or detect_language(text, path.name), text)
    if as_json:
        is_sound = not report.has_errors
        print_json({"report": report, "plan": plan_line(report), "is_sound": is_sound})
    else:
        print_report(report, to_stdout=True)
    return report.language, EXIT_FAILED if report.has_errors else EXIT_OK


def _show(generated: Generated, *, is_code_wanted: bool) -> None:
    if is_code_wanted:
        print(visible(generated.code), end="", flush=True)
        if sys.stdout.isatty() and sys.stderr.isatty():
            note("")
    if not generated.is_whole:
        note("XX the code breaks off: the model wrote more than it may")
    for fix in generated.fixes:
        note(f"+  put right: {fix}")
    if generated.looked:
        note(f"+  looked at {', '.join(map(visible, generated.looked))}")
    for text in generated.house:
        note(f"+  after the house's {text.kind} in {text.source}")
    print_report(generated.report, to_stdout=False)
    usage = generated.usage
    attempts = f"{generated.rounds} attempts" if generated.rounds > 1 else "1 attempt"
    note(f"{attempts}, {usage.total_s:.1f} s, {usage.completion_tokens:,} tokens written")


def _refuse_to_overwrite(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise typer.BadParameter(f"{path} exists: give --force to overwrite it, or another name")
    if not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.absolute().parent}")


def _write(path: Path, generated: Generated, *, force: bool) -> None:
    from assistant.coding.writing import write_code

    is_program = generated.code.startswith("#!") and generated.is_sound
    write_code(path, generated.code, is_executable=is_program, may_replace=force)
