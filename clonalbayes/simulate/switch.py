"""A patient after a published case: a lymphoblastic leukaemia relapses twice and returns as a myeloid one.

Drawn from the description of Coorens et al., "Clonal origin of KMT2A wild-type lineage-switch leukemia
following CAR-T cell and blinatumomab therapy": eight samples of six stages at about 100-fold coverage; at
diagnosis a small clone that has lost 17p, and a large one from which all relapses come; two relapses that are
siblings; the myeloid lineage first seen at an alt fraction of 0.0013 in the second relapse, at 23 % after
therapy, with a 17p loss of its own, and within three months aneuploid. Numbers that the text does not give
are made up.
"""

from __future__ import annotations

import numpy as np

from clonalbayes.simulate.genome import Event
from clonalbayes.simulate.patient import Blueprint, Reads, build
from clonalbayes.simulate.record import Simulation
from clonalbayes.simulate.tree import Populations

SAMPLES = ("D1", "D2", "R1a", "R1b", "R2", "MDS", "AML1", "AML2")
DATES = (
    "2012-03-05",
    "2012-03-12",
    "2015-04-01",
    "2015-04-01",
    "2016-10-03",
    "2017-04-24",
    "2017-05-08",
    "2017-08-07",
)
PURITY = (0.88, 0.93, 0.90, 0.72, 0.87, 0.23, 0.62, 0.84)

SEX = "female"
ORIGIN_DATE = "2005-06-14"
GROUPS = ("diagnosis", "diagnosis", "relapse 1", "relapse 1", "relapse 2", "MDS", "AML", "AML")
TREATMENTS = (
    ("chemotherapy", "2012-03-14", "2012-10-01"),
    ("thiopurine", "2012-06-04", "2014-05-30"),
    ("thiopurine", "2015-06-01", "2016-08-15"),
    ("CAR-T", "2016-11-07", "2016-11-07"),
    ("blinatumomab", "2017-01-09", "2017-03-20"),
)
"""Courses of treatment: name, first and last day."""

SIGNATURES = ("SBS1", "SBS5", "SBS87")
EXPOSURES: dict[str, tuple[float, float, float]] = {
    "progression": (0.15, 0.45, 0.4),
    "relapse": (0.15, 0.4, 0.45),
    "relapse1": (0.2, 0.55, 0.25),
    "relapse2": (0.15, 0.45, 0.4),
    "myeloid": (0.15, 0.4, 0.45),
}
"""Share of the mutations of a branch that each signature made: the two lineages split while thiopurine was given."""

NO_TREATMENT = (0.25, 0.75, 0.0)
"""The same for the other branches."""

# name: parent, relative number of mutations, share of each sample's tumour cells that are exactly this clone
CLONES: dict[str, tuple[str, float, tuple[float, ...]]] = {
    "trunk": ("", 7, (0.05, 0.04, 0, 0, 0, 0, 0, 0)),
    "del17p": ("trunk", 4, (0.20, 0.08, 0, 0, 0, 0, 0, 0)),
    "major": ("trunk", 4, (0.45, 0.65, 0.01, 0, 0, 0, 0, 0)),
    "major_sub": ("major", 3, (0.28, 0.20, 0, 0, 0, 0, 0, 0)),
    "progression": ("major", 11, (0.02, 0.03, 0.04, 0, 0, 0, 0, 0)),
    "relapse": ("progression", 6, (0, 0, 0.05, 0.06, 0.04, 0, 0, 0)),
    "relapse1": ("relapse", 9, (0, 0, 0.42, 0.30, 0, 0, 0, 0)),
    "relapse1_x": ("relapse1", 3, (0, 0, 0.38, 0.12, 0, 0, 0, 0)),
    "relapse1_y": ("relapse1", 3, (0, 0, 0.10, 0.52, 0, 0, 0, 0)),
    "relapse2": ("relapse", 13, (0, 0, 0, 0, 0.957, 0, 0, 0)),
    "myeloid": ("progression", 21, (0, 0, 0, 0, 0.003, 0.55, 0.10, 0)),
    "myeloid_a": ("myeloid", 5, (0, 0, 0, 0, 0, 0.37, 0.55, 0.03)),
    "myeloid_b": ("myeloid", 6, (0, 0, 0, 0, 0, 0.08, 0.35, 0.35)),
    "aneuploid": ("myeloid_b", 5, (0, 0, 0, 0, 0, 0, 0, 0.62)),
}
EVENTS = (
    Event(1, "17p", "loss", 0), Event(10, "17p", "loss", 1), Event(0, "9p", "loss", 0),
    *(Event(13, arm, "loss", j % 2) for j, arm in enumerate(("3p", "5q", "7q", "12p", "16q", "18p"))),
    *(Event(13, arm, "gain", j % 2) for j, arm in enumerate(("1q", "8q", "11q", "19p", "21q"))),
    Event(13, "6p", "loh", 0), Event(13, "13q", "loh", 1),
)  # fmt: skip


def lineage_switch(
    n_mutations: int = 10_000,
    *,
    depth: float = 100.0,
    noise: float = 0.03,
    germline: float = 0.003,
    error_rate: float = 3e-4,
    precision: float = 500.0,
    min_alt: int = 5,
    seed: int = 1,
) -> Simulation:
    """Draw the patient whose leukaemia switches its lineage.

    Parameters
    ----------
    n_mutations
        Rows of the table, at least a hundred.
    depth, noise, germline, error_rate, precision, min_alt, seed
        As in `simulate`.

    Returns
    -------
    Simulation
        Eight samples, fourteen clones.
    """
    settings = dict(locals())
    reads = Reads(n_mutations, depth, noise, germline, error_rate, precision, min_alt)
    return build(switch_blueprint(), reads, settings, np.random.default_rng(seed))


def switch_blueprint() -> Blueprint:
    """Return the patient before reads are drawn: tree, sizes of the clones, copy-number events, samples."""
    names = tuple(CLONES)
    parent = np.array([names.index(above) + 1 if above else 0 for above, _, _ in CLONES.values()])
    return Blueprint(
        Populations(parent, np.array([share for _, _, share in CLONES.values()])),
        names,
        np.array([weight for _, weight, _ in CLONES.values()], float),
        EVENTS,
        SAMPLES,
        DATES,
        np.array(PURITY),
    )
