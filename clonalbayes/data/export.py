"""Writing a patient's data in the peers' formats, and saying what each format cannot hold."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from clonalbayes.faults import fail

from .patient import Patient
from .readers.pairtree import SITE_NAME
from .schema import DIPLOID, MISSING

GENERIC = re.compile(r"s\d+")
"""Ids that Pairtree accepts."""

COMMON_LOSSES = ("context", "kind", "ref", "alt", "date", "group", "cn_fraction", "treatment")


def export(patient: Patient | xr.Dataset, format: str, path: str | os.PathLike[str]) -> list[str]:
    """Write a patient's data for another tool.

    Parameters
    ----------
    patient
        A patient or its Dataset.
    format
        One of `EXPORTS`: "pyclone-vi" (a long table; what PyClone-VI does not know are further columns
        that it ignores), "pairtree" (`PATH` and the params file beside it), "dpclust" (a folder), "counts"
        (a folder with the tables NV and NR).
    path
        File or folder to write. It appears whole or not at all; a file that exists is replaced.

    Returns
    -------
    list of str
        What the format could not hold, one sentence each.

    Raises
    ------
    InputError
        If the format is unknown, or the path is a folder with content that cannot be replaced.
    """
    ds = patient.data if isinstance(patient, Patient) else patient
    target = Path(path)
    if format not in EXPORTS:
        raise fail(
            str(path), f"there is no export format {format!r}", f"Choose one of: {', '.join(EXPORTS)}."
        )
    if target.is_file() and format in FOLDERS:
        raise fail(
            str(path), f"{format} is written as a folder, and a file is in its place", "Name a new folder."
        )
    if target.is_dir() and any(target.iterdir()):
        raise fail(str(path), "the folder exists and is not empty", "Name a new folder.")
    losses: list[str] = []
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=target.parent) as name:
        EXPORTS[format](ds, Path(name), target.name, losses)
        for written in sorted(Path(name).iterdir()):
            _place(written, target.parent / written.name)
    return losses


def _place(written: Path, final: Path) -> None:
    if final.is_dir() and not any(final.iterdir()):
        shutil.rmtree(final)
    os.replace(written, final)


def _table(columns: dict[str, Any], path: Path) -> None:
    pd.DataFrame(columns).to_csv(path, sep="\t", index=False, na_rep="NA")


def _blank(values: np.ndarray) -> Any:
    """Integers with unknown ones as missing, which are written NA."""
    return pd.arrays.IntegerArray(values.astype(np.int64), values == MISSING)


def _said(ds: xr.Dataset, name: str) -> bool:
    """Whether a variable or coordinate says anything."""
    if name not in ds.variables:
        return False
    values = ds[name].values
    if values.dtype.kind in "US":
        return bool((values != "").any())
    if values.dtype.kind == "f":
        return bool((~np.isnan(values)).any())
    return bool((values != MISSING).any())


def _lose(ds: xr.Dataset, losses: list[str], names: tuple[str, ...], format: str) -> None:
    for name in names:
        if _said(ds, name):
            losses.append(f"{format} has no place for {name}")


def _long(ds: xr.Dataset, folder: Path, name: str, losses: list[str]) -> None:
    """PyClone-VI's columns first; what it does not know in columns that it ignores."""
    n, k = ds.sizes["mutation"], ds.sizes["specimen"]
    alt, depth = ds["alt_count"].values.ravel(), ds["depth"].values.ravel()
    columns: dict[str, Any] = {
        "mutation_id": np.repeat(ds["mutation"].values, k),
        "sample_id": np.tile(ds["specimen"].values, n),
        "ref_counts": _blank(np.where(depth == MISSING, MISSING, depth - alt)),
        "alt_counts": _blank(alt),
        "major_cn": _blank(ds["major_cn"].values.ravel()),
        "minor_cn": _blank(ds["minor_cn"].values.ravel()),
        "normal_cn": ds["normal_cn"].values.ravel(),
        "tumour_content": np.tile(ds["purity"].values, n),
    }
    for extra in ("error_rate", "chrom", "pos", "ref", "alt", "context", "kind", "panel_alt", "panel_depth"):
        if _said(ds, extra):
            values = np.repeat(ds[extra].values, k)
            written = {"ref": "ref_allele", "alt": "alt_allele"}.get(extra, extra)
            columns[written] = _blank(values) if values.dtype.kind == "i" else values
    for extra in ("purity_sd", "date", "group"):
        if _said(ds, extra):
            columns[extra] = np.tile(ds[extra].values, n)
    for extra in ("total_cn", "major_cn_2", "minor_cn_2", "cn_fraction", "var_read_prob"):
        if _said(ds, extra):
            values = ds[extra].values.ravel()
            columns[extra] = _blank(values) if values.dtype.kind == "i" else values
    if "total_cn" in columns:
        losses.append("PyClone-VI itself cannot use rows whose major_cn is NA (only the total is known)")
    if (alt == MISSING).any():
        losses.append("PyClone-VI itself leaves out mutations with a missing count (NA)")
    if "major_cn_2" in columns:
        losses.append("PyClone-VI itself knows one copy-number state a sample: the second ones are in columns of ours")
    _lose(ds, losses, ("cluster", "treatment"), "pyclone-vi")
    _table(columns, folder / name)


def _pairtree(ds: xr.Dataset, folder: Path, name: str, losses: list[str]) -> None:
    """An `.ssm` table and its params file; missing counts become 0 of 0 reads."""
    alt, depth = ds["alt_count"].values, ds["depth"].values
    prob = _read_probability(ds, losses)
    if (depth == MISSING).any():
        losses.append("pairtree has no missing counts: they are written as 0 of 0 reads")
    names = _pairtree_names(ds, losses)
    own = [str(m) for m in ds["mutation"].values]
    ids = own if all(GENERIC.fullmatch(m) for m in own) else [f"s{i}" for i in range(len(own))]
    columns = {
        "id": ids,
        "name": names,
        "var_reads": [",".join(map(str, row)) for row in np.maximum(alt, 0).tolist()],
        "total_reads": [",".join(map(str, row)) for row in np.maximum(depth, 0).tolist()],
        "var_read_prob": [",".join(f"{x:.17g}" for x in row) for row in prob.tolist()],
    }
    _table(columns, folder / name)
    params: dict[str, Any] = {"samples": [str(s) for s in ds["specimen"].values]}
    if "cluster" in ds:
        labels = ds["cluster"].values
        params["clusters"] = [
            [ids[i] for i in np.flatnonzero(labels == c)] for c in np.unique(labels[labels > 0])
        ]
        params["garbage"] = [ids[i] for i in np.flatnonzero(labels == 0)]
    stem = name.removesuffix(".ssm")
    (folder / f"{stem}.params.json").write_text(json.dumps(params) + "\n", encoding="utf-8")
    _lose(ds, losses, (*COMMON_LOSSES, "error_rate", "panel_alt", "panel_depth", "purity_sd"), "pairtree")
    if (ds["purity"].values != 1).any():
        losses.append("pairtree has no purity: it is part of var_read_prob")


def _pairtree_names(ds: xr.Dataset, losses: list[str]) -> list[str]:
    """Names as Pairtree's users write them: chromosome_position where known, else the mutation's id."""
    own = [str(m) for m in ds["mutation"].values]
    places = [
        f"{c}_{p}" if c and p != MISSING else m
        for m, c, p in zip(own, ds["chrom"].values, ds["pos"].values, strict=True)
    ]
    if all(GENERIC.fullmatch(m) for m in own):
        return places
    losses.append("pairtree wants ids s0, s1, ...: the mutations' own ids are in the column name")
    if _said(ds, "chrom") and not all(SITE_NAME.fullmatch(m) for m in own):
        losses.append("pairtree has no place for chrom and pos beside the mutations' own ids")
    return own


def _read_probability(ds: xr.Dataset, losses: list[str]) -> np.ndarray:
    """Expected share of alt reads at one mutated copy a cell, per unit of cellular prevalence."""
    major, minor, normal = (ds[v].values.astype(float) for v in ("major_cn", "minor_cn", "normal_cn"))
    total = np.where(major == MISSING, np.nan, major + minor)
    if "total_cn" in ds:
        total = np.where(np.isnan(total), ds["total_cn"].values, total)
    purity = ds["purity"].values
    per_cell = purity * total + (1 - purity) * normal
    prob = np.minimum(1 / np.maximum(per_cell, 1), 1.0)
    if "var_read_prob" in ds:
        given = ds["var_read_prob"].values
        prob = np.where(np.isnan(given), prob, given)
    if (np.nan_to_num(total, nan=2) > 2).any():
        losses.append(
            "pairtree has no allele-specific copy number: var_read_prob takes one mutated copy a cell"
        )
    return prob


def _dpclust(ds: xr.Dataset, folder: Path, name: str, losses: list[str]) -> None:
    """A sample sheet and a table for each sample."""
    out = folder / name
    out.mkdir()
    patient = str(Path(str(ds.attrs.get("source", "patient"))).stem) or "patient"
    chrom, pos = _places(ds, losses)
    samples = [str(s) for s in ds["specimen"].values]
    prefixes = {s.split("_")[0] + "_" if "_" in s else "" for s in samples}
    shared = prefixes.pop() if len(prefixes) == 1 else ""
    if len(shared) > 1:
        patient, parts = shared[:-1], [s.removeprefix(shared) for s in samples]
    else:
        parts = samples
        losses.append(
            f"dpclust names samples by patient and part: they become {patient}_SAMPLE when read again"
        )
    files = [f"{patient}_{_safe(p)}_dp_input.txt" for p in parts]
    sheet = {"sample": patient, "subsample": parts, "datafile": files, "cellularity": ds["purity"].values}
    _table(sheet, out / "samplesheet.txt")
    for j, file in enumerate(files):
        _table(_dpclust_rows(ds.isel(specimen=j), chrom, pos), out / file)
    losses.append("dpclust knows the total copy number only: the split into major and minor is lost")
    _lose(
        ds,
        losses,
        (*COMMON_LOSSES, "cluster", "error_rate", "panel_alt", "panel_depth", "purity_sd"),
        "dpclust",
    )
    if _said(ds, "var_read_prob"):
        losses.append("dpclust has no place for var_read_prob")
    if (ds["normal_cn"].values != DIPLOID).any():
        losses.append("dpclust takes normal cells as diploid")


def _safe(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in text)


def _places(ds: xr.Dataset, losses: list[str]) -> tuple[np.ndarray, np.ndarray]:
    chrom, pos = ds["chrom"].values.astype(str), ds["pos"].values
    sites = pd.Index([f"{c}:{p}" for c, p in zip(chrom, pos, strict=True)])
    if (chrom == "").any() or (pos == MISSING).any() or not sites.is_unique:
        losses.append(
            "dpclust knows mutations by position, which is unknown or not unique: they are numbered 1, 2, ..."
        )
        return np.full(len(pos), "1"), np.arange(1, len(pos) + 1)
    if (ds["mutation"].values.astype(str) != np.asarray(sites, dtype=str)).any():
        losses.append("dpclust knows mutations by position: their ids are lost")
    return chrom, pos


def _dpclust_rows(one: xr.Dataset, chrom: np.ndarray, pos: np.ndarray) -> dict[str, Any]:
    """One sample's columns; DPClust's own estimate of the mutation's copies, its rounded value at least 1."""
    there = one["depth"].values != MISSING
    alt, depth = one["alt_count"].values[there], one["depth"].values[there]
    total = (one["major_cn"].values + one["minor_cn"].values).astype(float)
    if "total_cn" in one:
        total = np.where(one["major_cn"].values == MISSING, one["total_cn"].values, total)
    total, purity = total[there], float(one["purity"].values)
    vaf = alt / np.maximum(depth, 1)
    copies = vaf / purity * (purity * total + (1 - purity) * one["normal_cn"].values[there])
    bearing = np.maximum(np.round(copies), 1).astype(int)
    return {
        "chr": chrom[there],
        "end": pos[there],
        "WT.count": depth - alt,
        "mut.count": alt,
        "subclonal.CN": total.astype(int),
        "mutation.copy.number": copies,
        "subclonal.fraction": copies / bearing,
        "no.chrs.bearing.mut": bearing,
        "phase": "unphased",
    }


def _counts(ds: xr.Dataset, folder: Path, name: str, losses: list[str]) -> None:
    """The two tables NV and NR."""
    out = folder / name
    out.mkdir()
    ids = _count_names(ds, losses)
    for file, variable in (("NV.tsv", "alt_count"), ("NR.tsv", "depth")):
        values = ds[variable].values
        columns = {str(s): _blank(values[:, j]) for j, s in enumerate(ds["specimen"].values)}
        _table({"mutation": ids, **columns}, out / file)
    losses.append("counts hold no copy number")
    if (ds["purity"].values != 1).any():
        losses.append("counts hold no purity")
    _lose(
        ds,
        losses,
        (
            "context",
            "date",
            "group",
            "cluster",
            "error_rate",
            "panel_alt",
            "panel_depth",
            "purity_sd",
            "var_read_prob",
        ),
        "counts",
    )


def _count_names(ds: xr.Dataset, losses: list[str]) -> np.ndarray:
    own = ds["mutation"].values.astype(str)
    parts = [ds[c].values.astype(str) for c in ("chrom", "pos", "ref", "alt")]
    if not all((p != "").all() for p in parts) or (ds["pos"].values == MISSING).any():
        losses.append("counts name mutations by chrom_pos_ref_alt, which is not known for all of them")
        return own
    names = np.array(["_".join(p) for p in zip(*parts, strict=True)])
    if len(set(names.tolist())) < len(names):
        losses.append("two mutations are at one site: the mutations' own ids are written")
        return own
    if (names != own).any():
        losses.append("counts name mutations by chrom_pos_ref_alt: their ids are lost")
    return names


FOLDERS = ("dpclust", "counts")
"""Formats that are a folder."""

EXPORTS: dict[str, Callable[[xr.Dataset, Path, str, list[str]], None]] = {
    "pyclone-vi": _long,
    "pairtree": _pairtree,
    "dpclust": _dpclust,
    "counts": _counts,
}
"""Export formats by name."""
