"""The command line: a thin layer over the public functions.

Exit codes: 0 done (a run that did not converge says so in its verdict and in ``diagnostics.tsv``, and is
done), 1 failed, 2 wrong input or usage (nothing is written), 130 interrupted.

Nothing heavy is imported before a command has been chosen, so ``--help`` answers at once.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the program's name; those of the process by default.

    Returns
    -------
    int
        The exit code: 0 done, 1 failed, 2 wrong input or usage, 130 interrupted.
    """
    from clonalbayes.cli.parser import make_parser
    from clonalbayes.faults import InputError

    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        options = make_parser().parse_args(arguments)
    except SystemExit as stop:  # argparse has written the help or the fault
        return stop.code if isinstance(stop.code, int) else WRONG_INPUT
    try:
        return int(options.handler(options) or DONE)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_INPUT
    except KeyboardInterrupt:
        sys.stderr.write(_how_to_go_on(arguments))
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has seen enough
        sys.stderr.close()
        return DONE
    except (OSError, MemoryError) as error:
        sys.stderr.write(f"clonalbayes: {str(error) or type(error).__name__}\n")
        return FAILED


def _how_to_go_on(arguments: list[str]) -> str:
    """Say that the run was stopped and, for a fit or a run file, the command that continues it."""
    if arguments[:1] == ["run"]:
        return f"\nStopped. What is done is kept. Continue with:\n  clonalbayes {shlex.join(arguments)}\n"
    if arguments[:1] != ["fit"]:
        return "\nStopped. Nothing was written.\n"
    command = arguments if "--resume" in arguments else [*arguments, "--resume"]
    return f"\nStopped. Continue with:\n  clonalbayes {shlex.join(command)}\n"
