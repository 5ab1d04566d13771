"""The keys of the table `filters` of `run.toml`: those of the filters, and whether they are used."""

from __future__ import annotations

from .keys import Key


def filter_keys() -> dict[str, Key]:
    """Return the keys of the table `filters`."""
    return {"use": Key("whether mutations are filtered before the fit", "truth")}
