"""A patient of four clones in three dated samples whose mutations have contexts, made by code."""

from __future__ import annotations

import numpy as np
from kernel_fixtures import dataset

from clonalbayes.data.treatments import Treatment, add_treatments
from clonalbayes.inference.chain import Chain
from clonalbayes.inference.fit import make_plan
from clonalbayes.signatures.contexts import CONTEXTS
from clonalbayes.signatures.tables import read_reference
from clonalbayes.specs import load

PHI = np.array([[0.9, 0.9, 0.9], [0.5, 0.0, 0.0], [0.0, 0.7, 0.4], [0.0, 0.0, 0.3]])
EXPOSURES = np.array([[0.4, 0.6, 0.0], [0.1, 0.9, 0.0], [0.1, 0.3, 0.6], [0.1, 0.4, 0.5]])
NAMES = ("SBS1", "SBS5", "SBS87")
DATES = ("2010-01-01", "2012-06-01", "2014-01-01")


def patient(members: int = 40, seed: int = 1, *, contexts: bool = True, treated: bool = True, depth: int = 60):
    """Reads of `members` mutations of each clone, and of five artefacts; the clone of each mutation."""
    rng = np.random.default_rng(seed)
    clone = np.concatenate([np.repeat(np.arange(4), members), np.full(5, -1)])
    phi = np.where(clone[:, None] >= 0, PHI[clone], rng.beta(1.0, 5.0, (len(clone), 3)))
    depths = rng.poisson(depth, phi.shape)
    ds = dataset(rng.binomial(depths, phi / 2.0), depths)
    table = read_reference()
    spectra = EXPOSURES @ table.values[[table.names.index(name) for name in NAMES]]
    drawn = [rng.choice(96, p=spectra[k] if k >= 0 else np.full(96, 1 / 96)) for k in clone]
    labels = [CONTEXTS[c] if contexts and i % 20 else "" for i, c in enumerate(drawn)]
    n = len(clone)
    ds = ds.assign_coords(
        mutation=np.array([f"m{i}" for i in range(n)]), specimen=np.array(["D", "R", "T"]),
        context=("mutation", np.array(labels, str)), kind=("mutation", np.full(n, "snv")),
        date=("specimen", np.array(DATES)), group=("specimen", np.array(["D", "R", "T"])),
        **{name: ("mutation", np.full(n, value)) for name, value in (("chrom", "1"), ("ref", ""), ("alt", ""))},
        pos=("mutation", np.arange(n) + 1),
    )  # fmt: skip
    ds["purity_sd"] = ("specimen", np.full(3, np.nan))
    ds = ds.set_coords("purity_sd")
    courses = [Treatment("mercaptopurine", "2010-02-01", "2012-01-01")] if treated else []
    return add_treatments(ds, courses), clone


def chain_of(ds, *, tune: int = 30, draws: int = 10, seed: int = 1, spec: str = "joint") -> Chain:
    """A chain of the joint model that has not begun."""
    plan = make_plan(ds, load(spec), {"tune": tune, "draws": draws, "fixed_clusters": False})
    return Chain(plan, np.random.SeedSequence(seed))
