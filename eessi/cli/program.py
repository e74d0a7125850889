"""The command tree, found lazily, and the one place where errors become exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from eessi.errors import EessiError

__all__ = ["COMMANDS", "program", "run"]

COMMANDS = {
    "validate": ("eessi.cli.validate", "verdict per file"),
    "explain": ("eessi.cli.validate", "what a finding or change id means"),
    "packages": ("eessi.cli.packages", "CDM packages: import, list, show, export, verify"),
    "sed": ("eessi.cli.sed", "the SED catalogue, documents and their forms"),
    "models": ("eessi.cli.models", "typed classes as Python source"),
    "buc": ("eessi.cli.buc", "processes: list, show, diagram, check, compare"),
    "case": ("eessi.cli.case", "a stored or exported case"),
    "replay": ("eessi.cli.replay", "run scenarios, all parties simulated"),
    "campaign": ("eessi.cli.campaign", "the three test campaigns: moveit, exit, testit"),
    "directory": ("eessi.cli.directory", "institutions: who may do what, where, and since when"),
    "diff": ("eessi.cli.diff", "what changed between two packages"),
    "impact": ("eessi.cli.impact", "which documents and open cases a change hits"),
    "migrate": ("eessi.cli.migrate", "a document in another version"),
    "ready": ("eessi.cli.ready", "who can do which BUC in which version"),
    "labels": ("eessi.cli.labels", "texts per language, for linguistic review"),
    "signoff": ("eessi.cli.signoff", "comments and decisions per SED, BUC and organisation"),
    "site": ("eessi.cli.site", "a browsable, static site of a package"),
    "node": ("eessi.cli.node", "an institution at work over its access point"),
    "message": ("eessi.cli.message", "one message or case: every step and its evidence"),
    "as4": ("eessi.cli.as4", "stored AS4 messages taken apart and judged"),
    "access-point": ("eessi.cli.access_point", "the access-point double, for tests and demos"),
    "stats": ("eessi.cli.stats", "counts by BUC, SED, country, role, delay"),
    "decisions": ("eessi.cli.stats", "the table of legislation decisions"),
    "schema": ("eessi.cli.schema", "the JSON Schema of an output of this command"),
}
"""Command name -> (module that holds it, one line of help). A command whose module does not exist is not offered."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, (module, _) in COMMANDS.items() if _exists(module)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS or not _exists(COMMANDS[cmd_name][0]):
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


def _exists(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Social security across borders: documents, cases, directory and messages of EESSI.",
)
@click.version_option(package_name="eessi-toolkit", prog_name="eessi")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def program(debug: bool) -> None:
    """Hold the options that stand in front of every command; :func:`run` takes ``--debug`` wherever it stands."""


def run(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code; errors go to standard error as one line."""
    debug = "--debug" in arguments
    words = [word for word in arguments if word != "--debug"]
    try:
        result = program.main(args=words, prog_name="eessi", standalone_mode=False)
    except click.exceptions.Abort:
        return 130
    except KeyboardInterrupt:
        return 130
    except click.ClickException as error:
        click.echo(f"eessi: {error.format_message()}", err=True)
        return 2
    except EessiError as error:
        if debug:
            raise
        click.echo(f"eessi: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except MemoryError:
        if debug:
            raise
        click.echo(
            "eessi: the memory is used up and nothing was decided; free some, or give less work at once", err=True
        )
        return 3
    except Exception as error:  # a defect of ours: still one line, no values of the input
        if debug:
            raise
        click.echo(f"eessi: internal error ({type(error).__name__}); run again with --debug and report it", err=True)
        return 5
    return result if isinstance(result, int) else 0
