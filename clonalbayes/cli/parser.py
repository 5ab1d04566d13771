"""The arguments of every command. Only the standard library is imported here."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from clonalbayes import __version__
from clonalbayes.cli import (
    parser_copynumber,
    parser_counting,
    parser_detection,
    parser_pipeline,
    parser_report,
    parser_signatures,
    parser_variants,
)
from clonalbayes.specs import Schedule

FORMATS = ("pyclone-vi", "pairtree", "dpclust", "counts")
"""Formats that `export` writes."""

PLOTS = (
    *("vaf", "heatmap", "prevalence", "n_clones", "similarity", "tree", "alternatives", "fish"),
    *("clone_sizes", "copy_number", "convergence", "all"),
)
"""Figures that `plot` draws; "all" are those that the result's model has."""

PART_PLOTS = ("spectra", "exposures", "calendar", "around")
"""Figures of the folders of `signatures` and of `timing`."""

SIMULATE_DEFAULTS: dict[str, float] = {
    "mutations": 2000,
    "samples": 8,
    "clones": 14,
    "depth": 100.0,
    "seed": 1,
}
"""What `simulate` draws when it is not told: the defaults of `clonalbayes.simulate`."""

_EPILOG = """\
Where to start:
  a table of counts       clonalbayes check reads.tsv, then clonalbayes fit reads.tsv --out result
  BAM, VCF, copy number   clonalbayes check run.toml, then clonalbayes run run.toml
  no data yet             clonalbayes example patient, then clonalbayes run patient/run.toml
`clonalbayes COMMAND --help` lists the options of a command.

Exit codes: 0 done, 1 failed, 2 wrong input or usage, 130 interrupted.
A run that has not converged is done: its last line and diagnostics.tsv say so and what to do next."""


def make_parser() -> argparse.ArgumentParser:
    """Build the parser; each command's handler is the default of the option ``handler``."""
    parser = argparse.ArgumentParser(
        prog="clonalbayes",
        description="All bulk samples of a patient into clones, as one posterior.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"clonalbayes {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_add_fit, _add_check, _add_export, _add_models, _add_simulate, _add_plot, _add_doctor):
        add(commands)
    topics = (
        parser_variants, parser_counting, parser_copynumber, parser_pipeline, parser_detection, parser_signatures,
        parser_report,
    )  # fmt: skip
    for topic in topics:
        topic.add(commands)
    return parser


def _command(commands: Any, name: str, help: str, handler: str) -> argparse.ArgumentParser:
    """Add a command whose handler, ``module:function`` under `clonalbayes.cli`, is imported when it runs."""
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=help, description=f"{help[0].upper()}{help[1:]}.", allow_abbrev=False
    )
    command.set_defaults(handler=_late(handler))
    return command


def _late(handler: str) -> Callable[[argparse.Namespace], Any]:
    """Make a function that imports its handler on the first call."""
    module, function = handler.split(":")

    def call(options: argparse.Namespace) -> Any:
        return getattr(import_module(f"clonalbayes.cli.{module}"), function)(options)

    return call


def _add_fit(commands: Any) -> None:
    """Add ``fit``."""
    schedule = Schedule()
    fit = _command(commands, "fit", "fit the clones and write the result folder", "fitting:fit")
    fit.add_argument("input", metavar="INPUT", type=Path, help="table, .ssm file or folder of counts")
    fit.add_argument("--out", metavar="DIR", type=Path, required=True, help="result folder to write")
    _add_reading(fit)
    fit.add_argument(
        "--fixed-clusters",
        action="store_true",
        help="take the clusters that come with the input as the clones",
    )
    fit.add_argument(
        "--tree",
        metavar="FILE",
        type=Path,
        help="take this tree of the given clusters and fit the prevalences alone (trees.json, or parent and child)",
    )
    parser_signatures.add_history(fit, "none")
    fit.add_argument("--no-dates", action="store_true", help="do not date the tree")
    parser_signatures.add_opportunities(fit)
    fit.add_argument(
        "--model",
        metavar="NAME|F.toml",
        help="specification, by name or as a file (default: joint where mutations have contexts, else tree; see "
        "`clonalbayes models list`)",
    )
    for name, minimum, help in (
        ("chains", 1, f"independent chains (default: the model's, {schedule.chains})"),
        ("draws", 1, f"draws kept per chain (default: the model's, {schedule.draws})"),
        ("tune", 0, f"draws per chain before the first that is kept (default: the model's, {schedule.tune})"),
        ("rungs", 1, "states a chain is tempered between, for chains that stay in different trees (default: 1)"),
        ("cores", 1, "chains that run at a time (default: all cores)"),
    ):
        fit.add_argument(f"--{name}", metavar="N", type=whole(minimum), help=help)
    fit.add_argument(
        "--seed", metavar="N", type=whole(0), help="seed of the random numbers (default: drawn, and recorded)"
    )
    fit.add_argument(
        "--resume", action="store_true", help="continue a run that was stopped, to the same result"
    )
    fit.add_argument("--force", action="store_true", help="replace the result folder if it exists")
    fit.add_argument("--report", action="store_true", help="write report.html into the result folder")
    fit.add_argument("--quiet", action="store_true", help="print nothing but faults")


def _add_reading(command: argparse.ArgumentParser) -> None:
    """Add the options that say how an input is read."""
    command.add_argument(
        "--params", metavar="F.json", type=Path, help="params file of Pairtree: samples, clusters"
    )
    command.add_argument(
        "--purity",
        metavar="FILE|VALUE",
        help="purity: one value for all samples, or a table with sample and purity",
    )
    command.add_argument(
        "--min-alt",
        metavar="N",
        type=whole(0),
        help="every mutation has at least N alt reads in some sample (default: read off the data)",
    )


def _add_check(commands: Any) -> None:
    """Add ``check``."""
    check = _command(
        commands, "check", "say per sample what was understood, and every fault at once", "data:check"
    )
    check.add_argument(
        "input", metavar="INPUT", type=Path, help="table, .ssm file or folder of counts; or the run.toml of a patient"
    )
    _add_reading(check)


def _add_export(commands: Any) -> None:
    """Add ``export``."""
    export = _command(commands, "export", "write an input in another tool's format", "data:export")
    export.add_argument("input", metavar="INPUT", type=Path, help="table, .ssm file or folder of counts")
    export.add_argument("--to", metavar="FORMAT", choices=FORMATS, required=True, help=", ".join(FORMATS))
    export.add_argument("--out", metavar="PATH", type=Path, required=True, help="file or folder to write")
    _add_reading(export)


def _add_models(commands: Any) -> None:
    """Add ``models list`` and ``models show``."""
    models = _command(commands, "models", "list the model specifications, or show one", "models:list_models")
    actions = models.add_subparsers(metavar="list | show NAME")
    _command(actions, "list", "list the specifications", "models:list_models")
    show = _command(actions, "show", "show what a specification assumes", "models:show_model")
    show.add_argument("name", metavar="NAME|F.toml", help="a name of `models list`, or a file")
    show.add_argument(
        "--toml", action="store_true", help="print the file itself, to start one of your own from"
    )


def _add_simulate(commands: Any) -> None:
    """Add ``simulate``."""
    what = "draw the counts of a simulated patient, with the truth beside them"
    simulate = _command(commands, "simulate", what, "simulation:simulate")
    simulate.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder to write")
    case = "the patient of the tutorial: 8 samples, 14 clones, 10,000 mutations"
    simulate.add_argument("--example", action="store_true", help=case)
    for name, metavar, kind, help in (
        ("mutations", "N", whole(1), "mutations"),
        ("samples", "N", whole(1), "samples"),
        ("clones", "N", whole(1), "clones"),
        ("depth", "X", number(0.0), "mean depth"),
        ("seed", "N", whole(0), "seed of the random numbers"),
    ):
        default = SIMULATE_DEFAULTS[name]
        simulate.add_argument(f"--{name}", metavar=metavar, type=kind, help=f"{help} (default: {default:g})")
    simulate.add_argument("--force", action="store_true", help="replace the folder if it exists")
    simulate.add_argument("--quiet", action="store_true", help="print nothing but faults")


def _add_plot(commands: Any) -> None:
    """Add ``plot``."""
    plot = _command(commands, "plot", "draw a figure of a result folder", "plotting:plot")
    plot.add_argument(
        "name", metavar="NAME", choices=(*PLOTS, *PART_PLOTS), help=", ".join((*PLOTS, *PART_PLOTS))
    )
    plot.add_argument("result", metavar="DIR", type=Path, help="result folder of `fit`, `signatures` or `timing`")
    plot.add_argument(
        "--out", metavar="F", type=Path, required=True, help="file (.png, .svg, .pdf); a folder for all"
    )


def _add_doctor(commands: Any) -> None:
    """Add ``doctor``."""
    _command(commands, "doctor", "check that the installation works", "doctor:doctor")


def whole(minimum: int) -> Callable[[str], int]:
    """Make the type of an option that takes a whole number of at least `minimum`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"\d+", text.replace("_", "")) or int(text) < minimum:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {minimum}")
        return int(text)

    return parse


def number(above: float) -> Callable[[str], float]:
    """Make the type of an option that takes a number above a limit."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not above < value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text!r} is not a number above {above:g}")
        return value

    return parse
