"""The ``eessi`` command. Thin: each command reads its arguments, calls the library and prints the result."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Entry point of ``eessi`` and ``eessi-toolkit``."""
    try:
        import click  # noqa: F401
        import rich  # noqa: F401
    except ModuleNotFoundError:
        print("eessi: the command needs an optional part: pip install 'eessi-toolkit[cli]'", file=sys.stderr)
        raise SystemExit(2) from None
    from eessi.cli.program import run

    raise SystemExit(run(sys.argv[1:]))
