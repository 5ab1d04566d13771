"""Checkpoints: what a stopped run needs to go on to the result that it would have had."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clonalbayes.faults import fail

if TYPE_CHECKING:
    import xarray as xr

    from clonalbayes.specs import Spec


def fingerprint(ds: xr.Dataset, spec: Spec, settings: dict[str, Any]) -> dict[str, str]:
    """What must be the same when a run goes on: data, model and settings, each as a short text.

    Parameters
    ----------
    ds
        The data.
    spec
        The model.
    settings
        Chains, draws, tune, seed, and whether clusters are given.
    """
    digest = hashlib.sha256()
    for name in sorted(map(str, ds.variables)):
        values = ds[name].values
        digest.update(name.encode())
        digest.update(
            values.tobytes() if values.dtype.kind in "iufb" else "\0".join(map(str, values)).encode()
        )
    for name in ("min_alt", "opportunity"):
        digest.update(str(ds.attrs.get(name, 0)).encode())
    texts = {name: str(value) for name, value in settings.items()}
    return {"data": digest.hexdigest()[:16], "model": spec.digest[:16], **texts}


def save(path: Path, marks: dict[str, str], chains: list[dict[str, np.ndarray]]) -> None:
    """Write a checkpoint, whole or not at all.

    Parameters
    ----------
    path
        The file.
    marks
        From `fingerprint`.
    chains
        A snapshot of each chain.
    """
    arrays = {f"chain{c}.{name}": values for c, chain in enumerate(chains) for name, values in chain.items()}
    arrays["marks"] = np.frombuffer(json.dumps(marks).encode(), np.uint8)
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load(path: Path, marks: dict[str, str]) -> list[dict[str, np.ndarray]]:
    """Read a checkpoint of the same run.

    Returns
    -------
    list of dict
        A snapshot of each chain.

    Raises
    ------
    InputError
        If the file is damaged, or was written by a run with other data, model or settings (both are named).
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        found = json.loads(arrays.pop("marks").tobytes().decode())
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise fail(
            str(path), f"is not a checkpoint that can be read ({error})", "Run without --resume."
        ) from error
    other = [
        f"{name} {found.get(name)!r}, now {value!r}"
        for name, value in marks.items()
        if found.get(name) != value
    ]
    if other:
        remedy = "Resume with what the run was started with, or run without --resume."
        raise fail(str(path), f"belongs to another run: {'; '.join(other)}", remedy)
    chains: dict[int, dict[str, np.ndarray]] = {}
    for name, values in arrays.items():
        chain, field = name.removeprefix("chain").split(".", 1)
        chains.setdefault(int(chain), {})[field] = values
    return [chains[c] for c in sorted(chains)]
