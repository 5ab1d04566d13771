"""The file of an error model: JSON, plain or packed with gzip. Nothing in it is evaluated."""

from __future__ import annotations

import gzip
import json
import math
import os
import secrets
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clonalbayes.errors.grid import FAMILIES
from clonalbayes.errors.learn import Node
from clonalbayes.errors.panel import Evidence
from clonalbayes.faults import InputError, fail

if TYPE_CHECKING:
    from clonalbayes.errors.model import ErrorModel

FORMAT, VERSION = "clonalbayes error model", 1
REMEDY = "Make it again with `clonalbayes errors PANEL --out F.json`."


def save(model: ErrorModel, path: Path) -> None:
    """Write a model under a temporary name, then rename it."""
    text = json.dumps(_to_plain(model), allow_nan=False).encode()
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _to_plain(model: ErrorModel) -> dict[str, Any]:
    """Turn a model into plain lists and numbers; an infinite precision is null."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "about": model.about,
        "classes": model.classes,
        "sample_sd": model.sample_sd,
        "batch_sd": model.batch_sd,
        "class_spread": model.class_spread,
        "other_spread": model.other_spread,
        "nodes": [
            {
                "weight": node.weight,
                "precision": _finite(node.precision),
                "family": node.family,
                "spread": node.spread,
                "log_means": node.log_means.tolist(),
            }
            for node in model.nodes
        ],
        "sites": [str(name) for name in model.sites],
        "site_classes": model.site_classes.tolist(),
        "data": [
            {"precision": _finite(s), **{key: _rounded(getattr(found, key)) for key in _ARRAYS}}
            for s, found in model.data.items()
        ],
        "alt": model.alt.tolist(),
        "depth": model.depth.tolist(),
        "other": None if model.other is None else model.other.tolist(),
    }


_ARRAYS = ("first", "second", "n_single", "constant", "row", "count", "depth", "factor")
_WHOLE = ("row", "count", "depth")


def _finite(value: float) -> float | None:
    return None if math.isinf(value) else value


def _rounded(values: np.ndarray) -> list[float]:
    """Numbers with nine digits: a third of the file, and more than the model needs."""
    return [float(f"{v:.9g}") if isinstance(v, float) else v for v in values.tolist()]


def load(path: Path) -> dict[str, Any]:
    """Read a model's file into the arguments of `ErrorModel`.

    Raises
    ------
    InputError
        If it is not there, not JSON, of another kind or version, or damaged.
    """
    plain = _read(path)
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise fail(path.name, "the file is not an error model", REMEDY)
    if plain.get("version") != VERSION:
        found = str(plain.get("version"))
        raise fail(path.name, f"the error model is not of version {VERSION}", REMEDY, value=found)
    try:
        return _from_plain(plain)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise fail(path.name, f"the error model is damaged ({type(error).__name__})", REMEDY) from None


def _read(path: Path) -> Any:
    try:
        data = path.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        return json.loads(data.decode("utf-8-sig"))
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise fail(path.name, "the gzip file is truncated or damaged", REMEDY) from None
    except OSError as error:
        raise fail(path.name, f"cannot be read ({error.strerror or error})", "Check path and permissions.") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise fail(path.name, "the file is not JSON", REMEDY) from None


def _from_plain(plain: dict[str, Any]) -> dict[str, Any]:
    """Turn the plain content into arrays, and check that they fit each other."""
    classes = [str(name) for name in plain["classes"]]
    nodes = [
        Node(
            float(node["weight"]),
            _infinite(node["precision"]),
            str(node["family"]),
            float(node["spread"]),
            np.array(node["log_means"], float),
        )
        for node in plain["nodes"]
    ]
    sites = np.array([str(name) for name in plain["sites"]], object)
    data = {}
    for entry in plain["data"]:
        precision = _infinite(entry["precision"])
        arrays = {key: np.array(entry[key], np.int64 if key in _WHOLE else float) for key in _ARRAYS}
        data[precision] = Evidence(precision=precision, **arrays)
    codes = np.array(plain["site_classes"], np.int64)
    _check(classes, nodes, sites, codes, data)
    reads = {key: None if plain[key] is None else np.array(plain[key], np.int64) for key in ("alt", "depth", "other")}
    if any(part is not None and part.shape != sites.shape for part in reads.values()) or reads["alt"] is None:
        raise ValueError("parts do not fit")
    return {
        "classes": classes,
        "nodes": nodes,
        "sites": sites,
        "site_classes": codes,
        "data": data,
        "sample_sd": float(plain["sample_sd"]),
        "batch_sd": float(plain["batch_sd"]),
        **{key: float(plain[key]) for key in ("class_spread", "other_spread") if key in plain},
        **reads,
        "about": dict(plain["about"]),
    }


def _infinite(value: float | None) -> float:
    return math.inf if value is None else float(value)


def _check(
    classes: list[str], nodes: list[Node], sites: np.ndarray, codes: np.ndarray, data: dict[float, Evidence]
) -> None:
    """Raise ValueError unless the parts of a model fit each other."""
    fine = bool(nodes) and len(codes) == len(sites) and bool(((codes >= 0) & (codes < len(classes))).all())
    for node in nodes:
        shape = node.log_means.ndim == 2 and len(node.log_means) == len(classes) + 1
        fine = fine and shape and node.family in FAMILIES and 0.0 < node.spread < 10.0 and node.precision in data
        fine = fine and bool(np.isfinite(node.log_means).all()) and 0.0 < node.weight <= 1.0
    for found in data.values():
        inside = bool(((found.row >= 0) & (found.row < len(sites))).all())
        fine = fine and len(found.first) == len(sites) == len(found.second) == len(found.n_single) and inside
    if not fine:
        raise ValueError("parts do not fit")
