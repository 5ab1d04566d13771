"""Pages that are made from the program when the site is built: commands, data dictionary, Python API.

`mkdocs.yml` names this file as a hook. What is described twice drifts apart; these pages cannot.
"""

from __future__ import annotations

import argparse
import ast
from pathlib import Path
from typing import Any

import clonalbayes
from clonalbayes.cli.parser import make_parser
from clonalbayes.data.registry import data_dictionary

PACKAGE = Path(clonalbayes.__file__).resolve().parent
FIGURES = "clonalbayes.plots"
WIDTH = "88"
"""Columns of the help texts."""


def on_files(files: Any, config: Any) -> Any:
    """Add the pages to those of the folder (called by mkdocs)."""
    from mkdocs.structure.files import File

    for name, text in generated().items():
        files.append(File.generated(config, name, content=text))
    return files


def generated() -> dict[str, str]:
    """Return the pages: file name -> Markdown."""
    return {"commands.md": commands_page(), "data-dictionary.md": dictionary_page(), "api.md": api_page()}


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the commands of a parser by name, in order."""
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return {name: command for group in groups for name, command in group.choices.items()}


def commands_page() -> str:
    """Write the help text of every command."""
    import os

    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = WIDTH
    try:
        parts = ["# All options", "", "What `clonalbayes COMMAND --help` prints.", ""]
        for name, command in subcommands(make_parser()).items():
            parts += _help(name, command, "##")
            for inner, action in subcommands(command).items():
                parts += _help(f"{name} {inner}", action, "###")
    finally:
        os.environ.pop("COLUMNS") if before is None else os.environ.update(COLUMNS=before)
    return "\n".join(parts)


def _help(name: str, command: argparse.ArgumentParser, level: str) -> list[str]:
    return [f"{level} {name}", "", "```text", command.format_help().rstrip(), "```", ""]


def dictionary_page() -> str:
    """Write the registry of variables as a table."""
    columns = ("name", "meaning", "unit", "dtype", "dims", "range", "unknown", "optional")
    lines = [
        "# Data dictionary", "",
        "Every variable of a patient's Dataset, as the registry of the program has it: `clonalbayes.read` returns a",
        "Dataset with these, `clonalbayes.validate` holds any Dataset to them. *unknown* is what stands for a value",
        "that is not known.", "",
        f"| {' | '.join(columns)} |", "|" + "---|" * len(columns),
    ]  # fmt: skip
    for row in data_dictionary():
        cells = [row[c].replace("|", "\\|") for c in columns]
        cells[0] = f"`{cells[0]}`"
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def api_page() -> str:
    """List the public names; mkdocstrings puts their signatures and docstrings in."""
    lines = ["# Python", "", "`import clonalbayes as cb`: these names are public, everything else may change.", ""]
    for name, (module, attribute) in clonalbayes._PUBLIC.items():
        if attribute is not None:
            lines += _object(defined(module, attribute), f"cb.{name}", 2)
    lines += ["## Figures", "", f"`{FIGURES}`: every figure takes a result folder or a tree of a fit, and axes.", ""]
    for name in _public(FIGURES):
        if name == "draw" or name.startswith("plot_"):
            lines += _object(defined(FIGURES, name), f"cb.plots.{name}", 3)
    return "\n".join(lines)


def _object(path: str, heading: str, level: int) -> list[str]:
    options = [f"heading: {heading}", f"toc_label: {heading}", f"heading_level: {level}"]
    return [f"::: {path}", "    options:", *(f"      {line}" for line in options), ""]


def _file(module: str) -> Path:
    parts = module.split(".")[1:]
    folder = PACKAGE.joinpath(*parts)
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


def _public(module: str) -> list[str]:
    """Return the names in ``__all__`` of a module, without importing it."""
    for node in ast.parse(_file(module).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def defined(module: str, name: str) -> str:
    """Return where a name is defined, without importing anything: following imports of modules.

    >>> defined("clonalbayes.inference", "fit")
    'clonalbayes.inference.fit.fit'
    """
    for node in ast.walk(ast.parse(_file(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return f"{module}.{name}"
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    above = node.module or ""
                    return defined(f"{module}.{above}" if node.level else above, alias.name)
    raise LookupError(f"{module} does not define {name}")
