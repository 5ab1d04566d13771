"""What a simulation returns: the data as a tool may see them, and the truth behind them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from clonalbayes.data.export import export

READS, TRUTH = "reads.tsv", "truth.json"
"""Files that `Simulation.write` makes."""

NOISE, GERMLINE = -1, -2
NAMES = {NOISE: "noise", GERMLINE: "noise_germline"}
"""Labels of mutations outside the clones, and how the truth file calls them."""


@dataclass(frozen=True, eq=False)
class Truth:
    """What was drawn.

    Attributes
    ----------
    assignment
        [N] clone from 0, -1 noise, -2 germline.
    genotype
        [N] row of `genotypes.genotype_vectors` of the mutation's copy-number class; -1 where the mutation's
        copies come from no such class.
    multiplicity
        [N, S] mutated copies per carrying cell; 0 for noise.
    ccf
        [K, S] share of the tumour cells.
    presence
        [K, S] 0 absent, 1 subclonal, 2 clonal.
    names
        Names of the clones.
    parent
        [K] parent from 1, 0 = the normal root, as in the result files; empty where there is no tree.
    parameters
        Everything else by name, as in the posterior: concentration, precision, error_rate, purity, ...
    signatures
        [N] signature that made each mutation, "" for indels; empty where contexts know of none.
    drivers
        Mutation -> gene and change.
    """

    assignment: np.ndarray
    genotype: np.ndarray
    multiplicity: np.ndarray
    ccf: np.ndarray
    presence: np.ndarray
    names: tuple[str, ...]
    parent: np.ndarray
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    signatures: tuple[str, ...] = ()
    drivers: dict[int, str] = field(default_factory=dict)

    def labels(self) -> list[str]:
        """Name of each mutation's clone; those outside the clones begin with ``noise``."""
        return [NAMES[int(k)] if k < 0 else self.names[int(k)] for k in self.assignment]

    def table(self, samples: list[str], ids: list[str]) -> dict[str, Any]:
        """Return the truth as plain containers.

        Parameters
        ----------
        samples, ids
            Names of the samples and mutations.

        Returns
        -------
        dict
            assignment {mutation: clone}, ccf {clone: {sample: value}}, parent {clone: parent or "normal"}, purity
            {sample: value}, signature {mutation: name}, drivers {mutation: gene and change}.
        """
        above = ["normal", *self.names]
        return {
            "samples": samples,
            "assignment": dict(zip(ids, self.labels(), strict=True)),
            "ccf": _by_clone(self.names, samples, self.ccf),
            "parent": dict(zip(self.names, [above[p] for p in self.parent], strict=False)),
            "purity": dict(zip(samples, self.parameters["purity"].tolist(), strict=True)),
            "signature": dict(zip(ids, self.signatures, strict=False)),
            "drivers": {ids[i]: text for i, text in self.drivers.items()},
        }


@dataclass(frozen=True, eq=False)
class Simulation:
    """A simulated patient.

    Attributes
    ----------
    dataset
        Validated Dataset (see `clonalbayes.data.schema`).
    truth
        What was drawn.
    settings
        The arguments that made it.
    """

    dataset: xr.Dataset
    truth: Truth
    settings: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Summarise in one line."""
        n, outside = self.dataset.sizes, int((self.truth.assignment < 0).sum())
        return (
            f"<Simulation: {n['mutation']} mutations x {n['specimen']} samples, "
            f"{len(self.truth.ccf)} clones, {outside} mutations outside them>"
        )

    def truth_table(self) -> dict[str, Any]:
        """Return the truth as plain containers.

        Returns
        -------
        dict
            What `Truth.table` has, and cellular_prevalence as ccf, multiplicity {mutation: [copies per sample]},
            parameters, settings.
        """
        truth = self.truth
        samples = [str(s) for s in self.dataset["specimen"].values]
        ids = [str(m) for m in self.dataset["mutation"].values]
        purity = truth.parameters["purity"]
        return {
            "settings": self.settings,
            **truth.table(samples, ids),
            "cellular_prevalence": _by_clone(truth.names, samples, truth.ccf * purity),
            "multiplicity": dict(zip(ids, truth.multiplicity.tolist(), strict=True)),
            "parameters": {name: np.asarray(value).tolist() for name, value in truth.parameters.items()},
        }

    def write(self, folder: str | os.PathLike[str]) -> Path:
        """Write `reads.tsv`, a long table with PyClone-VI's columns and more, and `truth.json`.

        Parameters
        ----------
        folder
            Where to; made if it is not there. Files of these names are replaced.

        Returns
        -------
        pathlib.Path
            The folder.
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        export(self.dataset, "pyclone-vi", target / READS)
        (target / TRUTH).write_text(json.dumps(self.truth_table()) + "\n", encoding="utf-8")
        return target


def _by_clone(names: tuple[str, ...], samples: list[str], values: np.ndarray) -> dict[str, dict[str, float]]:
    return {
        name: dict(zip(samples, row.tolist(), strict=True)) for name, row in zip(names, values, strict=True)
    }
