"""The `pose-core` command: reads the arguments, runs the sub-command, turns errors into exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from pose_core import __version__
from pose_core.cli import estimate, info, models
from pose_core.cli.exit_codes import ExitCode, exit_code_help, exit_code_of
from pose_core.cli.output import Output, opened_output
from pose_core.errors import ConfigError, PoseCoreError

Command = Callable[[argparse.Namespace, Output], ExitCode]


class _Parser(argparse.ArgumentParser):
    """Raises instead of exiting, so that wrong arguments are told in JSON too where that was asked for."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message[:1].upper()}{message[1:]}.", f"See '{self.prog} --help'.")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = _Parser(
        prog="pose-core",
        description="Video to clean 3D human motion.",
        epilog=exit_code_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pose-core {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, dest="command")
    for name, module, text in (
        ("estimate", estimate, "turn a video into motion files"),
        ("models", models, "list, fetch, check and register models"),
        ("info", info, "tell what a motion file or video holds"),
    ):
        sub = commands.add_parser(
            name,
            help=text,
            description=text[:1].upper() + text[1:] + ".",
            epilog=exit_code_help(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add_arguments(sub)
        if name != "models":
            add_json_argument(sub)
        sub.set_defaults(run=module.run)
    return parser


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--json`, which every sub-command has."""
    text = "print one JSON document on standard output; progress as JSON lines on standard error"
    parser.add_argument("--json", action="store_true", help=text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code (see `exit_codes`).

    Args:
        argv: arguments without the program's name; those of this process by default.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    with opened_output("--json" in words) as output:
        try:
            arguments = build_parser().parse_args(words)
            command: Command = arguments.run
            return int(command(arguments, output))
        except PoseCoreError as error:
            code = exit_code_of(error)
            output.error(error.message, error.hint, error.code, code)
            return int(code)
        except BrokenPipeError:
            # Whoever read our output has left, such as `head`; there is nobody to tell.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return int(ExitCode.FILE)
        except OSError as error:
            output.error(f"{error}.", "", "file", exit_code_of(error))
            return int(ExitCode.FILE)
        except KeyboardInterrupt:
            output.error("Cancelled.", "", "cancelled", ExitCode.CANCELLED)
            return int(ExitCode.CANCELLED)
