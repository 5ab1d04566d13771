"""A tree of given clusters, from a file: our trees.json, a params file of Pairtree, or a table of edges."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

from clonalbayes.faults import FaultList, fail

REMEDY = "Give trees.json, a JSON file with structures or parents, or a table with columns parent and child."


def read_tree(path: str | os.PathLike[str]) -> list[int]:
    """Read the parent of every clone.

    Parameters
    ----------
    path
        JSON with `trees` (the first is taken), `structures` (likewise) or `parents`; or a tab-separated table with
        columns `parent` and `child`, and optionally `relation` and `probability` as in edges.tsv: the likeliest
        parent of each child is taken.

    Returns
    -------
    list of int
        Parent of clone 1, 2, ...: 0 is the normal root.

    Raises
    ------
    InputError
        If the file cannot be read, or says something else.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise fail(str(file), f"cannot be read: {error}", REMEDY) from None
    return _from_json(str(file), text) if text.lstrip().startswith(("{", "[")) else _from_table(str(file), text)


def _from_json(name: str, text: str) -> list[int]:
    try:
        content: Any = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise fail(name, f"is not JSON: {error}", REMEDY) from None
    found = None
    if isinstance(content, dict):
        trees, structures = content.get("trees"), content.get("structures")
        if isinstance(trees, list) and trees and isinstance(trees[0], dict):
            found = trees[0].get("parents")
        elif isinstance(structures, list) and structures:
            found = structures[0]
        else:
            found = content.get("parents")
    if not isinstance(found, list) or not all(type(parent) is int for parent in found):
        raise fail(name, "holds no list of parents", REMEDY)
    return found


def _from_table(name: str, text: str) -> list[int]:
    rows = list(csv.DictReader(text.splitlines(), delimiter="\t"))
    if not rows or not {"parent", "child"} <= set(rows[0]):
        raise fail(name, "has no columns parent and child", REMEDY)
    faults, best = FaultList(), dict[int, tuple[float, int]]()
    for number, row in enumerate(rows, start=2):
        if row.get("relation") not in (None, "", "parent"):
            continue
        try:
            parent, child, weight = int(row["parent"]), int(row["child"]), float(row.get("probability") or 1.0)
        except (TypeError, ValueError):
            faults.add(name, "parent and child are numbers of clones", "Write 0 for the normal root.", row=number)
            continue
        best[child] = max(best.get(child, (-1.0, 0)), (weight, parent))
    if sorted(best) != list(range(1, len(best) + 1)):
        faults.add(name, "the children are not 1, 2, ... without a gap", "Give every clone one parent.")
    faults.raise_if_any()
    return [best[child][1] for child in sorted(best)]
