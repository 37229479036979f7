"""The first moment of the `midwatch` program: Ctrl-C ends it quietly while it still imports."""

from __future__ import annotations

import signal


def main() -> None:
    """Import the command line and run it."""
    # Who starts midwatch in the background may have Ctrl-C ignored, and means it.
    is_ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if not is_ignored:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from assistant.cli.main import main as run

    if not is_ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
