"""Draws of everything from the model: partition, genotypes, prevalences, parameters and reads.

The model is the one of the specification and `docs/model.md`, written here without the sampler's kernels, so
that the two can be held against each other. Without a tree its prior is conditioned on admissible clones (each
present in some sample, no two alike), with one on possible purities; each mutation's reads are conditioned on
the mutation having been called.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import numpy as np
import xarray as xr

from clonalbayes.data.schema import validate
from clonalbayes.genotypes import GERMLINE_NEEDS_PURITY, NO_WEIGHT, genotype_vectors
from clonalbayes.simulate.noise import draw_noise, log_likelihood_noise, noise_model
from clonalbayes.simulate.prior_tree import draw_clones, draw_purities
from clonalbayes.simulate.reads import draw_called, log_chance_called, log_pmf
from clonalbayes.simulate.record import GERMLINE, NOISE, Simulation, Truth
from clonalbayes.specs import Spec, load

ABSENT, SUBCLONAL, CLONAL = 0, 1, 2
MAX_ERROR = 0.05
MAX_ROUNDS = 100_000


@dataclass(frozen=True)
class CopyState:
    """Copy number of a site in one sample; `major` and `minor` -1 where only the `total` is known.

    A `var_read_prob` (expected alt fraction if every cell carries the mutation) overrides it.
    """

    major: int = 1
    minor: int = 1
    normal: int = 2
    total: int = -1
    var_read_prob: float = np.nan

    @property
    def copies(self) -> int:
        """All copies in a tumour cell."""
        return self.major + self.minor if self.major >= 0 else self.total


@dataclass(frozen=True)
class Design:
    """What is fixed before anything is drawn.

    Attributes
    ----------
    n_mutations, n_samples
        Sizes.
    depth
        Mean depth; each count is Poisson, and at least `min_alt`.
    classes
        Copy-number classes, a state per sample each, given to the mutations in turn. Empty: all diploid.
    purity, purity_sd
        Of each sample as the file states it (one value for all, or one each), and its standard error. With a
        tree the stated purity is drawn, around what the normal cells leave; with standard error 0 there is none.
    min_alt
        Alt reads that some sample must have.
    missing
        Share of the counts that are missing; the first sample that is left with a count keeps it.
    """

    n_mutations: int = 30
    n_samples: int = 3
    depth: float = 40.0
    classes: tuple[tuple[CopyState, ...], ...] = ()
    purity: float | tuple[float, ...] = 0.8
    purity_sd: float = 0.05
    min_alt: int = 1
    missing: float = 0.0

    def class_of(self, mutation: int) -> tuple[CopyState, ...]:
        """Copy-number states, one per sample, of a mutation."""
        if not self.classes:
            return (CopyState(),) * self.n_samples
        return self.classes[mutation % len(self.classes)]


@dataclass
class _Draw:
    """The state while it is being drawn: labels [N], presence and ccf [K, S], parameters by name.

    With a tree also parents [K], prevalences [K, S], and purities [S] as reads see them and as the file has them.
    """

    labels: np.ndarray
    presence: np.ndarray
    ccf: np.ndarray
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    parent: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    prevalence: np.ndarray | None = None
    read_purity: np.ndarray | None = None
    stated_purity: np.ndarray | None = None


def simulate_prior(
    design: Design, spec: str | Spec = "clones", *, seed: int | np.random.SeedSequence
) -> Simulation:
    """Draw a patient from the model.

    Parameters
    ----------
    design
        Sizes, depths, copy numbers, purities.
    spec
        The model.
    seed
        Seed of the draw.

    Returns
    -------
    Simulation
        Its truth has genotypes, and among the parameters log_likelihood, that of the reads given all else.

    Raises
    ------
    ValueError
        If the design leaves a mutation uncallable, or admissible clones are never drawn.
    """
    rng, model = np.random.default_rng(seed), load(spec)
    draw = _draw_admissible(design, model, rng)
    states = [design.class_of(i) for i in range(design.n_mutations)]
    genotype, copies = _draw_genotypes(states, rng)
    depth = _draw_depth(design, rng)
    fraction = _alt_fractions(draw, states, copies)
    error = draw.parameters["error_rate"]
    fraction = fraction * (1.0 - error) + (1.0 - fraction) * error
    alt = draw_called(depth, fraction, draw.parameters["precision"], design.min_alt, rng)
    noise = draw.labels == NOISE
    alt[noise] = draw_noise(depth[noise], noise_model(model), design.min_alt, rng)[0]
    draw.parameters["log_likelihood"] = np.array(
        _log_likelihood(alt, depth, fraction, noise, draw, design, model)
    )
    names = tuple(f"C{k + 1}" for k in range(len(draw.ccf)))
    truth = Truth(
        draw.labels, genotype, np.where(noise[:, None], 0.0, copies), draw.ccf, draw.presence, names,
        draw.parent, draw.parameters,
    )  # fmt: skip
    return Simulation(
        _dataset(alt, depth, states, design, draw.stated_purity), truth, {"design": asdict(design), "model": model.name}
    )


def _draw_admissible(design: Design, spec: Spec, rng: np.random.Generator) -> _Draw:
    """A draw of the state that meets the conditions on the prior."""
    with_tree = spec.blocks["prevalence"] == "tree"
    for _ in range(MAX_ROUNDS):
        draw = _draw_tree_state(design, spec, rng) if with_tree else _draw_state(design, spec, rng)
        if draw is not None and (with_tree or admissible(draw.presence)):
            return draw
    raise ValueError("no admissible clones were drawn")


def _alt_fractions(draw: _Draw, states: list[tuple[CopyState, ...]], copies: np.ndarray) -> np.ndarray:
    """Expected alt fractions [N, S] before errors; for noise the number means nothing."""
    parameters, cells = draw.parameters, draw.ccf
    if draw.prevalence is not None and draw.read_purity is not None:
        parameters, cells = {**parameters, "purity": draw.read_purity}, draw.prevalence
    clone, germline = expected_fractions(states, copies, parameters)
    if draw.prevalence is not None:  # of all cells, whatever the purity
        clone = clone / parameters["purity"]
    carried = np.vstack([cells, np.zeros((2, copies.shape[1]))])[draw.labels] * clone
    return np.minimum(np.where((draw.labels == GERMLINE)[:, None], germline, carried), 1.0)


def admissible(presence: np.ndarray) -> bool:
    """Whether every clone of [K, S] is present in some sample and no two agree exactly."""
    if (presence == ABSENT).all(axis=1).any():
        return False
    atoms = presence[(presence != SUBCLONAL).all(axis=1)]
    return len(np.unique(atoms, axis=0)) == len(atoms)


def _draw_state(design: Design, spec: Spec, rng: np.random.Generator) -> _Draw:
    """One draw from the prior before it is conditioned on admissible clones."""
    samples = design.n_samples
    concentration = rng.gamma(spec.value("concentration", "shape")) / spec.value("concentration", "rate")
    component = np.array(spec.vector("component_weight"))
    if np.min(design.purity) > GERMLINE_NEEDS_PURITY:
        component[2] = NO_WEIGHT
    labels = _draw_labels(design.n_mutations, component, concentration, rng)
    presence_prob = rng.dirichlet(spec.vector("presence_prob"), samples)
    shape = (int(labels.max(initial=-1)) + 1, samples)
    heap = np.cumsum(presence_prob, axis=1)
    presence = (rng.random(shape)[..., None] > heap[None, :, :2]).sum(axis=2)
    ccf = np.select([presence == ABSENT, presence == CLONAL], [0.0, 1.0], rng.random(shape))
    parameters = {"concentration": np.array(concentration), "presence_prob": presence_prob}
    return _Draw(labels, presence, ccf, parameters | _draw_parameters(design, spec, rng))


def _draw_tree_state(design: Design, spec: Spec, rng: np.random.Generator) -> _Draw | None:
    """One draw from the prior of the tree model; None where a purity is impossible.

    Stated purities under which germline variants could not be told from the trunk (see `compile_priors`) are
    not drawn: that is a condition on the data, which no posterior knows of.
    """
    samples, component = design.n_samples, np.array(spec.vector("component_weight"))
    if design.purity_sd == 0.0:
        component[2] = NO_WEIGHT
    concentration = rng.gamma(spec.value("concentration", "shape")) / spec.value("concentration", "rate")
    labels = _draw_labels(design.n_mutations, component, concentration, rng)
    tree = draw_clones(int(labels.max(initial=-1)) + 1, samples, spec, rng)
    linked = np.array([any(not _ordinary(design.class_of(i)[s]) for i in range(design.n_mutations))
                       for s in range(samples)])  # fmt: skip
    purity = tree.parameters["purity"]
    drawn = draw_purities(purity, linked, design.purity_sd, spec.constant("purity_slack"), rng)
    if drawn is None or (design.purity_sd > 0.0 and drawn[1].min() > GERMLINE_NEEDS_PURITY):
        return None
    others = _draw_parameters(design, spec, rng)
    parameters = {"concentration": np.array(concentration), **others, **tree.parameters}
    parameters |= {"clone_fraction": tree.fraction, "read_purity": drawn[0]}
    ccf = np.divide(tree.prevalence, purity, out=np.zeros_like(tree.prevalence), where=purity > 0.0)
    return _Draw(labels, tree.presence, ccf, parameters, tree.parent, tree.prevalence, *drawn)


def _ordinary(state: CopyState) -> bool:
    """Whether a state says nothing of the purity: that of normal cells, or an alt fraction given outright."""
    balanced = state.normal == 1 if state.major < 0 else state.major == (state.normal + 1) // 2
    return (state.copies == state.normal and balanced) or not np.isnan(state.var_read_prob)


def _draw_labels(n: int, component: np.ndarray, concentration: float, rng: np.random.Generator) -> np.ndarray:
    """Clone, noise or germline for each mutation, clones by the Chinese restaurant process."""
    kind = rng.choice([0, NOISE, GERMLINE], size=n, p=rng.dirichlet(component))
    sizes: list[float] = []
    for i in np.flatnonzero(kind == 0):
        weights = np.array([*sizes, concentration])
        kind[i] = rng.choice(len(weights), p=weights / weights.sum())
        if kind[i] == len(sizes):
            sizes.append(0.0)
        sizes[kind[i]] += 1.0
    return kind


def _draw_parameters(design: Design, spec: Spec, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Parameters of the samples, each [S]."""

    def log_normal(name: str) -> np.ndarray:
        median, sigma = spec.value(name, "median"), spec.value(name, "sigma")
        return median * np.exp(sigma * rng.standard_normal(design.n_samples))

    def within(draw: np.ndarray, low: float, high: float) -> bool:
        return bool(((draw > low) & (draw <= high)).all())

    error, purity = np.full(1, np.inf), np.full(1, np.inf)
    while not within(error, 0.0, MAX_ERROR):
        error = log_normal("error_rate")
    while not within(purity, 0.0, 1.0):
        purity = rng.normal(design.purity, design.purity_sd, design.n_samples)
    share = rng.beta(
        spec.value("cn_clonal_fraction", "alpha"), spec.value("cn_clonal_fraction", "beta"), len(purity)
    )
    return {
        "precision": log_normal("precision"),
        "error_rate": error,
        "purity": purity,
        "cn_clonal_fraction": share,
    }


def _draw_genotypes(
    states: list[tuple[CopyState, ...]], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Genotype [N], uniform over those of the class, and mutated copies [N, S]."""
    genotype, copies = [], []
    for row in states:
        vectors = genotype_vectors(np.array([(c.major, c.minor, c.copies) for c in row]))
        given = ~np.isnan([c.var_read_prob for c in row])
        if given.any():
            vectors = np.unique(np.where(given, 1, vectors), axis=0)[::-1]
        genotype.append(int(rng.integers(len(vectors))))
        copies.append(vectors[genotype[-1]])
    return np.array(genotype), np.array(copies, float)


def expected_fractions(
    states: list[tuple[CopyState, ...]], copies: np.ndarray, parameters: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Expected alt fractions, before errors, of a mutation in all tumour cells and of a germline variant.

    Parameters
    ----------
    states
        Copy-number states of N mutations in S samples.
    copies
        [N, S] mutated copies per carrying cell.
    parameters
        purity and cn_clonal_fraction, [S] each. Tumour cells outside the share with the reported copy number
        have one mutated copy of the normal number.

    Returns
    -------
    tuple of numpy.ndarray
        [N, S] each.
    """
    purity, share = parameters["purity"], parameters["cn_clonal_fraction"]
    clone, germline = np.empty(copies.shape), np.empty(copies.shape)
    for i, row in enumerate(states):
        for s, c in enumerate(row):
            ordinary = c.copies == c.normal and c.major in (-1, (c.normal + 1) // 2) and copies[i, s] == 1
            w = 1.0 if ordinary else share[s]
            mutated = w * copies[i, s] + (1.0 - w)
            per_cell = purity[s] * (w * c.copies + (1.0 - w) * c.normal) + (1.0 - purity[s]) * c.normal
            clone[i, s] = purity[s] * mutated / per_cell
            germline[i, s] = (purity[s] * mutated + 1.0 - purity[s]) / per_cell
            if not np.isnan(c.var_read_prob):
                clone[i, s], germline[i, s] = purity[s] * c.var_read_prob, c.var_read_prob
    return clone, germline


def _draw_depth(design: Design, rng: np.random.Generator) -> np.ndarray:
    """[N, S] depths; 0 where the count is missing."""
    shape = (design.n_mutations, design.n_samples)
    depth = np.maximum(rng.poisson(design.depth, shape), max(design.min_alt, 1))
    missing = rng.random(shape) < design.missing
    missing[np.arange(shape[0]), rng.integers(shape[1], size=shape[0])] = False
    return np.where(missing, 0, depth)


def _log_likelihood(
    alt: np.ndarray,
    depth: np.ndarray,
    fraction: np.ndarray,
    noise: np.ndarray,
    draw: _Draw,
    design: Design,
    spec: Spec,
) -> float:
    """Log probability of all reads given the state, mutation by mutation conditioned on a call."""
    precision = np.broadcast_to(draw.parameters["precision"], alt.shape)
    each = log_pmf(alt, depth, fraction, precision).sum(axis=1)
    if design.min_alt > 0:
        each -= log_chance_called(depth, fraction, precision, design.min_alt)
    each[noise] = log_likelihood_noise(alt[noise], depth[noise], noise_model(spec), design.min_alt)
    return float(each.sum())


def _dataset(
    alt: np.ndarray,
    depth: np.ndarray,
    states: list[tuple[CopyState, ...]],
    design: Design,
    stated: np.ndarray | None,
) -> xr.Dataset:
    """The counts as a validated Dataset with ids m1, m2, ... and samples S1, S2, ...

    `stated` purities replace those of the design; with standard error 0 they say nothing.
    """
    n, samples = alt.shape
    purity = np.broadcast_to(np.asarray(design.purity, float), samples) if stated is None else stated
    unknown = stated is not None and design.purity_sd == 0.0
    missing = depth == 0

    def table(name: str) -> np.ndarray:
        return np.array([[getattr(c, name) for c in row] for row in states])

    both = ("mutation", "specimen")
    values = {"alt_count": np.where(missing, -1, alt), "depth": np.where(missing, -1, depth)}
    values = {name: counts.astype(np.int32) for name, counts in values.items()}
    values |= {f"{name}_cn": table(name).astype(np.int16) for name in ("major", "minor", "normal")}
    if (table("major") < 0).any():
        values["total_cn"] = table("total").astype(np.int16)
    if not np.isnan(table("var_read_prob")).all():
        values["var_read_prob"] = table("var_read_prob")
    texts = {
        name: ("mutation", np.full(n, "", object)) for name in ("chrom", "ref", "alt", "context", "kind")
    }
    coords = {
        "mutation": [f"m{i + 1}" for i in range(n)], "specimen": [f"S{s + 1}" for s in range(samples)],
        "pos": ("mutation", np.full(n, -1)), **texts,
        "purity": ("specimen", purity.copy()),
        "purity_sd": ("specimen", np.full(samples, np.nan if unknown else design.purity_sd)),
        **{name: ("specimen", np.full(samples, "", object)) for name in ("date", "group")},
    }  # fmt: skip
    attrs = {"source": "simulation", "format": "simulation", "min_alt": design.min_alt, "notes": "[]"}
    return validate(xr.Dataset({name: (both, value) for name, value in values.items()}, coords, attrs))
