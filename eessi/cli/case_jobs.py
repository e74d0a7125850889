"""``eessi case import-rina`` and the jobs over all documents of a store."""

from __future__ import annotations

import click

__all__ = ["COMMANDS"]

COMMANDS: dict[str, click.Command] = {}
