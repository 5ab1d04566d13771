"""A patient after a published case: a lymphoblastic leukaemia relapses twice and returns as a myeloid one.

Drawn from the description of Coorens et al., "Clonal origin of KMT2A wild-type lineage-switch leukemia
following CAR-T cell and blinatumomab therapy": a girl of three years, eight samples of six dates at about 100-fold
coverage. At diagnosis there is a small clone that has lost 17p, and a large one from which all relapses come; the
two relapses are siblings; the relapse and the myeloid lineage part while thiopurine is given; the myeloid lineage is
first seen at an alt fraction of 0.0013 in the second relapse, at 23 % after therapy, with both copies of TP53 hit, and
within three months aneuploid. 10,000 mutations give its root the 2,318 sites in diploid regions of the publication.
What the text does not give (days, rates, the sizes of the other branches, some protein changes) is made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from clonalbayes.data.treatments import Treatment, add_treatments
from clonalbayes.simulate.drivers import Driver
from clonalbayes.simulate.genome import Event
from clonalbayes.simulate.patient import Blueprint, Reads, build
from clonalbayes.simulate.record import Simulation
from clonalbayes.simulate.tree import Populations
from clonalbayes.timing.calendar import courses_of, overlap, to_days, windows_of

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
ORIGIN_DATE = "2008-10-02"
GROUPS = ("diagnosis", "diagnosis", "relapse 1", "relapse 1", "relapse 2", "MDS", "AML", "AML")
TREATMENTS = (
    Treatment("chemotherapy", "2012-03-14", "2012-10-01"),
    Treatment("thiopurine", "2012-06-04", "2014-05-30"),
    Treatment("thiopurine", "2015-06-01", "2016-08-15"),
    Treatment("CAR-T", "2016-11-07", "2016-11-07"),
    Treatment("blinatumomab", "2017-01-09", "2017-03-20"),
)

SIGNATURES = ("SBS1", "SBS5", "SBS87")
RATES = (0.25, 1.0, 1.5)
"""Mutations per day by each signature: the first two at all times, the third while thiopurine is given."""

BEFORE = 0.8
"""The first two, before the founder, as a share of what they are in the leukaemia."""


@dataclass(frozen=True)
class Clone:
    """A clone of the case.

    Attributes
    ----------
    parent
        Its name; "" is the normal root.
    date
        When the last common ancestor of its cells lived.
    share
        Share of each sample's tumour cells that are exactly this clone.
    """

    parent: str
    date: str
    share: tuple[float, ...]


CLONES: dict[str, Clone] = {
    "trunk": Clone("", "2010-03-20", (0.05, 0.04, 0, 0, 0, 0, 0, 0)),
    "del17p": Clone("trunk", "2010-11-25", (0.20, 0.08, 0, 0, 0, 0, 0, 0)),
    "major": Clone("trunk", "2011-05-20", (0.65, 0.43, 0.01, 0, 0, 0, 0, 0)),
    "major_sub": Clone("major", "2011-12-20", (0.10, 0.45, 0, 0, 0, 0, 0, 0)),
    "progression": Clone("major", "2013-06-01", (0, 0, 0.04, 0, 0, 0, 0, 0)),
    "relapse": Clone("progression", "2014-02-20", (0, 0, 0.05, 0.06, 0.04, 0, 0, 0)),
    "relapse1": Clone("relapse", "2014-09-25", (0, 0, 0.42, 0.30, 0, 0, 0, 0)),
    "relapse1_x": Clone("relapse1", "2015-03-01", (0, 0, 0.38, 0.12, 0, 0, 0, 0)),
    "relapse1_y": Clone("relapse1", "2015-03-10", (0, 0, 0.10, 0.52, 0, 0, 0, 0)),
    "relapse2": Clone("relapse", "2016-05-01", (0, 0, 0, 0, 0.957, 0, 0, 0)),
    "myeloid": Clone("progression", "2016-05-10", (0, 0, 0, 0, 0.003, 0.55, 0.10, 0)),
    "myeloid_a": Clone("myeloid", "2017-01-10", (0, 0, 0, 0, 0, 0.37, 0.55, 0.03)),
    "myeloid_b": Clone("myeloid", "2016-11-10", (0, 0, 0, 0, 0, 0.08, 0.35, 0.35)),
    "aneuploid": Clone("myeloid_b", "2017-05-25", (0, 0, 0, 0, 0, 0, 0, 0.62)),
}
EVENTS = (
    Event(1, "17p", "loss", 0), Event(10, "17p", "loss", 1), Event(0, "9p", "loss", 0),
    *(Event(13, arm, "loss", j % 2) for j, arm in enumerate(("3p", "5q", "7q", "12p", "16q", "18p"))),
    *(Event(13, arm, "gain", j % 2) for j, arm in enumerate(("1q", "8q", "11q", "19p", "21q"))),
    Event(13, "6p", "loh", 0), Event(13, "13q", "loh", 1),
)  # fmt: skip
DRIVERS = (
    Driver("trunk", "1p", "NRAS", "p.G12D"),
    Driver("major", "12q", "KMT2D", "p.R2099*"),
    Driver("major", "9p", "CDKN2A", "p.R80*"),
    Driver("myeloid", "17p", "TP53", "p.R248Q"),
    Driver("myeloid", "22q", "EP300", "p.Q1077*"),
)
"""Mutations. KMT2A is wild type: nothing hits it."""


@cache
def made_by_signature() -> np.ndarray:
    """Expected mutations of each branch by each signature, [K, R]: rates x days in which the process was on."""
    day = {name: to_days(clone.date, ORIGIN_DATE) for name, clone in CLONES.items()}
    start = np.array([day.get(clone.parent, 0.0) for clone in CLONES.values()])
    end = np.array([day[name] for name in CLONES])
    speed = np.array([1.0 if clone.parent else BEFORE for clone in CLONES.values()])
    treated = overlap(start, end, windows_of(courses_of(TREATMENTS, ORIGIN_DATE), ["thiopurine"]))
    return np.stack([*(rate * speed * (end - start) for rate in RATES[:2]), RATES[2] * treated], axis=1)


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
        Eight samples, fourteen clones; with contexts, dates and treatments.
    """
    settings = dict(locals())
    reads = Reads(n_mutations, depth, noise, germline, error_rate, precision, min_alt)
    drawn = build(switch_blueprint(), reads, settings, np.random.default_rng(seed))
    told = add_treatments(drawn.dataset, TREATMENTS).assign_attrs(sex=SEX, origin_date=ORIGIN_DATE)
    return Simulation(told.assign_coords(group=("specimen", np.array(GROUPS, object))), drawn.truth, settings)


def switch_blueprint() -> Blueprint:
    """Return the patient before reads are drawn: tree, sizes of the clones, copy-number events, samples."""
    names = tuple(CLONES)
    parent = np.array([names.index(clone.parent) + 1 if clone.parent else 0 for clone in CLONES.values()])
    made = made_by_signature()
    return Blueprint(
        Populations(parent, np.array([clone.share for clone in CLONES.values()])),
        names,
        made.sum(axis=1),
        EVENTS,
        SAMPLES,
        DATES,
        np.array(PURITY),
        SIGNATURES,
        made / made.sum(axis=1, keepdims=True),
        DRIVERS,
    )
