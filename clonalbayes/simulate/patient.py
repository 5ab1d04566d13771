"""Patients as they look: a tree of clones in dated samples, copy number, artefacts, germline leaks."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from clonalbayes.data.schema import validate
from clonalbayes.faults import fail
from clonalbayes.simulate.drivers import Driver, place_drivers
from clonalbayes.simulate.genome import (
    Copies,
    Event,
    called_states,
    count_copies,
    draw_events,
    draw_sites,
    with_contexts,
)
from clonalbayes.simulate.noise import draw_noise, noise_model
from clonalbayes.simulate.prior import ABSENT, CLONAL, SUBCLONAL
from clonalbayes.simulate.reads import draw_called
from clonalbayes.simulate.record import GERMLINE, NOISE, Simulation, Truth
from clonalbayes.simulate.spectra import draw_channels
from clonalbayes.simulate.tree import Populations, draw_populations
from clonalbayes.specs import load

FIRST_DATE = datetime.date(2012, 3, 5)
DEPTH_SPREAD = 0.12
PURITY_SD = 0.02


@dataclass(frozen=True)
class Blueprint:
    """A patient before reads are drawn.

    Attributes
    ----------
    populations
        Tree and shares.
    names
        Names of the clones.
    weights
        [K] relative numbers of mutations.
    events
        Copy-number events.
    samples, dates
        Names and ISO dates of the samples, in order of time.
    purity
        [S].
    signatures, exposures
        Names of the signatures and [K, R] their shares of each branch's mutations; where there are none, contexts
        are drawn without regard to branches.
    drivers
        Mutations in named genes.
    """

    populations: Populations
    names: tuple[str, ...]
    weights: np.ndarray
    events: tuple[Event, ...]
    samples: tuple[str, ...]
    dates: tuple[str, ...]
    purity: np.ndarray
    signatures: tuple[str, ...] = ()
    exposures: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    drivers: tuple[Driver, ...] = ()


@dataclass(frozen=True)
class Reads:
    """How mutations are sequenced and called.

    Attributes
    ----------
    n_mutations
        Rows of the table, artefacts and germline variants included.
    depth
        Mean depth of a diploid site.
    noise, germline
        Share of the rows that are artefacts, and germline variants taken for somatic.
    error_rate
        Alt reads per read of a molecule without the mutation.
    precision
        Of the beta-binomial; infinity is the binomial.
    min_alt
        Alt reads that some sample must have.
    """

    n_mutations: int
    depth: float
    noise: float
    germline: float
    error_rate: float
    precision: float
    min_alt: int


def simulate(
    n_mutations: int = 2000,
    n_samples: int = 8,
    n_clones: int = 14,
    *,
    depth: float = 100.0,
    purity: float | Sequence[float] | None = None,
    copy_number: bool = True,
    noise: float = 0.02,
    germline: float = 0.003,
    error_rate: float = 3e-4,
    precision: float = 500.0,
    min_alt: int = 3,
    dates: Sequence[str] | None = None,
    seed: int = 1,
) -> Simulation:
    """Draw a patient: a random tree of clones that come and go over dated samples.

    Parameters
    ----------
    n_mutations, n_samples, n_clones
        Sizes. Every clone has a mutation.
    depth
        Mean depth of a diploid site.
    purity
        Tumour cells / all cells, one value or one a sample; None = drawn between 0.5 and 0.95.
    copy_number
        Whether clones gain and lose chromosome arms; the last dominant one loses 17p.
    noise, germline
        Share of the table that is artefacts, and germline variants.
    error_rate, precision
        Of the reads; precision infinity is binomial reads.
    min_alt
        Alt reads that some sample must have for a mutation to be in the table.
    dates
        ISO dates of the samples, in order; None = drawn.
    seed
        Seed of the draw.

    Returns
    -------
    Simulation

    Raises
    ------
    InputError
        If the sizes do not fit each other, or a number is outside its range.

    Examples
    --------
    >>> simulate(50, 2, 3, noise=0.0, germline=0.0, seed=5)
    <Simulation: 50 mutations x 2 samples, 3 clones, 0 mutations outside them>
    """
    settings = {k: list(v) if isinstance(v, Sequence | np.ndarray) else v for k, v in locals().items()}
    reads = Reads(n_mutations, depth, noise, germline, error_rate, precision, min_alt)
    _check(reads, n_clones, n_samples, purity, dates)
    rng = np.random.default_rng(seed)
    populations = draw_populations(n_clones, n_samples, rng)
    events = draw_events(populations.ccf, populations.parent, 3 + n_clones // 2, rng) if copy_number else ()
    drawn = (
        rng.uniform(0.5, 0.95, n_samples)
        if purity is None
        else np.broadcast_to(purity, n_samples).astype(float)
    )
    blueprint = Blueprint(
        populations, tuple(f"c{k + 1}" for k in range(n_clones)), rng.gamma(2.0, size=n_clones), events,
        sample_names(n_samples), tuple(dates) if dates is not None else _draw_dates(n_samples, rng), drawn,
    )  # fmt: skip
    return build(blueprint, reads, settings, rng)


def _check(
    reads: Reads,
    n_clones: int,
    n_samples: int,
    purity: float | Sequence[float] | None,
    dates: Sequence[str] | None,
) -> None:
    """Refuse sizes and numbers that make no patient."""
    if min(n_clones, n_samples) < 1:
        raise fail("simulation", "has no clone or no sample", "Ask for at least one of each.")
    if min(reads.noise, reads.germline) < 0 or reads.noise + reads.germline > 1:
        raise fail("simulation", "the share of noise or germline is wrong", "Give shares from 0 to 1.")
    if somatic(reads) < n_clones:
        raise fail(
            "simulation", f"{somatic(reads)} somatic mutations are fewer than {n_clones} clones",
            "Ask for fewer clones, or for more mutations.",
        )  # fmt: skip
    numbers = (reads.depth, reads.error_rate, reads.precision, reads.min_alt)
    if not (all(x >= 0 for x in numbers) and reads.error_rate < 0.5 and reads.precision > 0):
        raise fail(
            "simulation",
            "a number is outside its range",
            "Give positive depth and precision, error below 0.5.",
        )
    if not max(reads.min_alt, 1) <= reads.depth < math.inf:
        raise fail(
            "simulation", "the depth is below the alt reads that a call needs", "Ask for a higher depth."
        )
    values = np.atleast_1d(np.array(1.0 if purity is None else purity, float))
    if not ((values > 0) & (values <= 1)).all() or len(values) not in (1, n_samples):
        raise fail(
            "simulation", "the purity is not in (0, 1] for each sample", "Give one value, or one a sample."
        )
    if dates is not None and len(dates) != n_samples:
        raise fail(
            "simulation", f"there are {len(dates)} dates for {n_samples} samples", "Give one date a sample."
        )


def somatic(reads: Reads) -> int:
    """Number of mutations that are neither artefacts nor germline variants."""
    return (
        reads.n_mutations - round(reads.n_mutations * reads.noise) - round(reads.n_mutations * reads.germline)
    )


def sample_names(n: int) -> tuple[str, ...]:
    """Name samples: diagnosis D1, then relapses R1, R2, ..."""
    return ("D1", *(f"R{s}" for s in range(1, n)))


def _draw_dates(n: int, rng: np.random.Generator) -> tuple[str, ...]:
    days = np.concatenate([[0], np.cumsum(rng.integers(30, 500, size=n - 1))])
    return tuple((FIRST_DATE + datetime.timedelta(days=int(d))).isoformat() for d in days)


def build(
    blueprint: Blueprint, reads: Reads, settings: dict[str, Any], rng: np.random.Generator
) -> Simulation:
    """Draw the mutations and reads of a patient.

    Parameters
    ----------
    blueprint
        The patient.
    reads
        How mutations are sequenced and called.
    settings
        Kept in the result.
    rng
        Source of randomness.
    """
    tree = blueprint.populations
    sites, clone = draw_sites(reads.n_mutations, rng), draw_clones(blueprint, reads, rng)
    drivers, clone = place_drivers(blueprint.drivers, blueprint.names, clone, sites["arm"])
    hits = drivers[drivers >= 0].tolist()
    made_by: list[str] = []
    if blueprint.signatures:
        contexts, made_by = draw_channels(blueprint.signatures, blueprint.exposures, clone, rng, hits)
        sites = with_contexts(sites, contexts)
    copies = count_copies(clone, sites["arm"], tree.parent, blueprint.events, rng, hits)
    mutated, total = molecules(blueprint, copies, clone, sites["arm"])
    spread = np.exp(DEPTH_SPREAD * rng.standard_normal(total.shape))
    depth = np.maximum(rng.poisson(reads.depth * spread * total / 2.0), max(reads.min_alt, 1))
    expected = mutated / total * (1.0 - 2.0 * reads.error_rate) + reads.error_rate
    alt = draw_called(depth, expected, reads.precision, reads.min_alt, rng)
    artefact = clone == NOISE
    alt[artefact] = draw_noise(depth[artefact], noise_model(load("clones")), reads.min_alt, rng)[0]
    truth = replace(make_truth(blueprint, reads, clone, copies.mutated, drivers), signatures=tuple(made_by))
    state = called_states(copies.haplotypes, tree.share)
    ds = _dataset(blueprint, reads, sites, alt, depth, (state[0][sites["arm"]], state[1][sites["arm"]]), rng)
    return Simulation(ds, truth, settings)


def molecules(
    blueprint: Blueprint, copies: Copies, clone: np.ndarray, arm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mutated copies and all copies per cell of each sample, normal cells included; both [N, S].

    Parameters
    ----------
    blueprint
        The patient.
    copies
        Copies in the cells of each clone.
    clone
        [N] clone of each mutation, -1 artefact, -2 germline.
    arm
        [N] index into `genome.ARMS`.
    """
    purity = blueprint.purity
    cells = blueprint.populations.share * purity  # [K, S] of all cells
    total = copies.haplotypes.sum(axis=2)[arm] @ cells + 2.0 * (1.0 - purity)
    return copies.mutated @ cells + np.where(clone[:, None] == GERMLINE, 1.0 - purity, 0.0), total


def draw_clones(blueprint: Blueprint, reads: Reads, rng: np.random.Generator) -> np.ndarray:
    """Clone of each mutation, at least one a clone; -1 artefact, -2 germline."""
    weights = blueprint.weights
    sizes = 1 + rng.multinomial(somatic(reads) - len(weights), weights / weights.sum())
    labels = np.repeat(np.arange(len(weights)), sizes)
    noise = np.full(round(reads.n_mutations * reads.noise), NOISE)
    leak = np.full(reads.n_mutations - len(labels) - len(noise), GERMLINE)
    return rng.permutation(np.concatenate([labels, noise, leak]))


def make_truth(
    blueprint: Blueprint, reads: Reads, clone: np.ndarray, mutated: np.ndarray, drivers: np.ndarray
) -> Truth:
    """Return what was drawn; a mutation's multiplicity is the mean over the cells that inherited it, rounded."""
    tree, samples = blueprint.populations, len(blueprint.samples)
    ccf = tree.ccf
    carriers = np.vstack([ccf, np.ones((1, samples)), np.zeros((1, samples))])[clone]
    copies = np.where(carriers > 0.0, np.round(mutated @ tree.share / np.maximum(carriers, 1e-12)), 1.0)
    presence = np.select([ccf == 0.0, ccf == 1.0], [ABSENT, CLONAL], SUBCLONAL)
    parameters = {
        "purity": blueprint.purity, "precision": np.full(samples, float(reads.precision)),
        "error_rate": np.full(samples, reads.error_rate), "clone_fraction": tree.share * blueprint.purity,
    }  # fmt: skip
    return Truth(
        clone, np.full(len(clone), -1), np.where((clone == NOISE)[:, None], 0.0, copies), ccf, presence,
        blueprint.names, tree.parent, parameters,
        drivers={int(i): f"{d.gene} {d.change}" for i, d in zip(drivers, blueprint.drivers, strict=True) if i >= 0},
    )  # fmt: skip


def _dataset(
    blueprint: Blueprint, reads: Reads, sites: dict[str, np.ndarray], alt: np.ndarray, depth: np.ndarray,
    state: tuple[np.ndarray, np.ndarray], rng: np.random.Generator,
) -> xr.Dataset:  # fmt: skip
    """The table that a tool may see; the purities have the error that they state."""
    both = ("mutation", "specimen")
    stated = np.clip(blueprint.purity + PURITY_SD * rng.standard_normal(len(blueprint.purity)), 0.02, 1.0)
    values = {"alt_count": alt.astype(np.int32), "depth": depth.astype(np.int32)}
    copies = {"major_cn": state[0], "minor_cn": state[1], "normal_cn": np.full(alt.shape, 2)}
    values |= {name: count.astype(np.int16) for name, count in copies.items()}
    per_mutation = {
        name: ("mutation", sites[name]) for name in ("chrom", "pos", "ref", "alt", "context", "kind")
    }
    coords = {
        "mutation": sites["mutation"], "specimen": np.array(blueprint.samples, object), **per_mutation,
        "purity": ("specimen", np.round(stated, 3)),
        "purity_sd": ("specimen", np.full(len(stated), PURITY_SD)),
        "date": ("specimen", np.array(blueprint.dates, object)),
        "group": ("specimen", np.full(len(stated), "", object)),
    }  # fmt: skip
    attrs = {"source": "simulation", "format": "simulation", "min_alt": reads.min_alt, "notes": "[]"}
    return validate(xr.Dataset({name: (both, value) for name, value in values.items()}, coords, attrs))
