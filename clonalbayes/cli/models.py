"""``clonalbayes models``: what the model specifications assume."""

from __future__ import annotations

import argparse

from clonalbayes import specs


def list_models(options: argparse.Namespace) -> None:
    """Print each specification with the first sentence of its meaning."""
    width = max(map(len, specs.names()))
    for name in specs.names():
        meaning = specs.load(name, None).meaning.partition(".")[0]
        print(f"{name:<{width}}  {meaning}")


def show_model(options: argparse.Namespace) -> None:
    """Print one specification, resolved; with ``--toml`` the file as it was written."""
    spec = specs.load(options.name, None)
    if options.toml:
        print(specs.locate(options.name).read_text(encoding="utf-8-sig"), end="")
    else:
        print(specs.describe(spec))
