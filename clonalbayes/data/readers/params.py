"""Pairtree's params file: sample names, clusters and the mutations set aside."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clonalbayes.faults import FaultList

from .text import TextFile, read_text

REMEDY = (
    'The file holds {"samples": [names], "clusters": [[ids], ...], "garbage": [ids]}; see Pairtree\'s manual.'
)


@dataclass
class Params:
    """What a params file says.

    Parameters
    ----------
    samples
        Names of the samples, in the order of the lists; None if it does not say.
    clusters
        Mutation id -> cluster from 1, 0 for garbage; None if it does not say.
    notes
        Things to be said aloud.
    digests
        SHA-256 by file name.
    """

    samples: list[str] | None = None
    clusters: dict[str, int] | None = None
    notes: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)


def read_params(path: Path | None, faults: FaultList, mutations: set[str], n_samples: int) -> Params:
    """Read a params file and check it against the table it belongs to.

    Parameters
    ----------
    path
        The file; None = there is none.
    faults
        Takes everything that is wrong.
    mutations
        Ids of the table.
    n_samples
        Number of samples in the table.

    Returns
    -------
    Params
    """
    if path is None:
        return Params(notes=["no params file: samples are called s1, s2, ..."])
    source = read_text(path)
    out = Params(digests={source.name: source.digest})
    content = _parsed(source, faults)
    if content is None:
        return out
    if "samples" in content:
        out.samples = _samples(content["samples"], source.name, n_samples, faults)
    else:
        out.notes.append(f"{source.name} names no samples: they are called s1, s2, ...")
    if content.get("clusters") is not None or content.get("garbage") is not None:
        out.clusters = _clusters(content, source.name, mutations, faults)
        _note_clusters(out, mutations)
    return out


def _parsed(source: TextFile, faults: FaultList) -> dict[str, Any] | None:
    try:
        content = json.loads(source.data)
    except json.JSONDecodeError as error:
        faults.add(source.name, f"the file is not valid JSON ({error.msg})", REMEDY, row=error.lineno)
        return None
    except RecursionError:
        faults.add(source.name, "the file is not valid JSON (nested too deep)", REMEDY)
        return None
    if not isinstance(content, dict):
        faults.add(source.name, "the file does not hold a JSON object", REMEDY, row=1)
        return None
    return content


def _samples(names: Any, file: str, n_samples: int, faults: FaultList) -> list[str] | None:
    if not isinstance(names, list) or not all(isinstance(n, str) and n.strip() for n in names):
        faults.add(file, "samples is not a list of names", REMEDY, column="samples")
        return None
    for name in dict.fromkeys(n for n in names if names.count(n) > 1):
        faults.add(
            file, "two samples bear one name", "Give them different names.", column="samples", value=name
        )
    if len(names) != n_samples:
        faults.add(
            file,
            f"{len(names)} sample names for {n_samples} samples in the table",
            "Name each sample once, in the order of the lists.",
            column="samples",
        )
    return [n.strip() for n in names]


def _clusters(content: dict[str, Any], file: str, mutations: set[str], faults: FaultList) -> dict[str, int]:
    """Number the clusters from 1 and garbage as 0, and find ids that are unknown or placed twice."""
    clusters, garbage = content.get("clusters") or [], content.get("garbage") or []
    if not isinstance(clusters, list) or not all(isinstance(c, list) for c in clusters):
        faults.add(file, "clusters is not a list of lists of mutation ids", REMEDY, column="clusters")
        clusters = []
    if not isinstance(garbage, list):
        faults.add(file, "garbage is not a list of mutation ids", REMEDY, column="garbage")
        garbage = []
    placed: dict[str, int] = {}
    members = [(m, k, "clusters") for k, c in enumerate(clusters, 1) for m in c]
    for mutation, cluster, key in members + [(m, 0, "garbage") for m in garbage]:
        name = str(mutation)
        if name not in mutations:
            faults.add(
                file,
                "the mutation id is not in the table",
                "Remove it, or give the table that has it.",
                column=key,
                value=name,
            )
        elif name in placed:
            faults.add(
                file,
                "the mutation is in two clusters (or twice in one)",
                "Leave it in one of them.",
                column=key,
                value=name,
            )
        placed.setdefault(name, cluster)
    return placed


def _note_clusters(params: Params, mutations: set[str]) -> None:
    clusters = params.clusters or {}
    aside = sum(1 for k in clusters.values() if k == 0)
    without = len(mutations - clusters.keys())
    params.notes.append(
        f"clusters given: {len(set(clusters.values()) - {0})}; {aside} mutations set aside as garbage by the "
        "params file are kept as data"
    )
    if without:
        params.notes.append(f"{without} mutations are in no cluster of the params file (cluster 0)")
