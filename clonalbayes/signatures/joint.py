"""The signature part of the joint model: exposures of the clones of a chain's state, drawn given their mutations.

A chain's `kernels.state.State` holds one row of intensities for every tag (see `kernels.contexts`): those of the
clones are drawn by the sweep of `signatures.sampler` given the clones' contexts, those of free tags from the
prior, and the table of log probabilities that the moves of the partition read is made of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln

from clonalbayes.data.treatments import Treatment, parse_date, treatments_of
from clonalbayes.faults import FaultList
from clonalbayes.kernels.layout import NO_CONTEXT, NOISE
from clonalbayes.kernels.state import State as ChainState
from clonalbayes.kernels.state import Work
from clonalbayes.signatures.contexts import CONTEXTS, index_of, normal_label
from clonalbayes.signatures.kernels import TINY
from clonalbayes.signatures.sampler import DE_NOVO, make_model, start, sweep
from clonalbayes.signatures.settings import Settings
from clonalbayes.signatures.state import Model, State, strengths
from clonalbayes.signatures.tables import Table, as_seen, read_reference

if TYPE_CHECKING:
    import xarray as xr

FIRST_SWEEPS = 60
"""Sweeps over exposures and profiles before the first one with contexts: a de novo profile that takes a part of a known
one takes some dozens to go again."""

TWINS = 0.004
"""Largest sum over samples of squared differences of root prevalences of clones that the reads hardly tell apart."""


@dataclass(frozen=True, eq=False)
class Signatures:
    """What the chains of a joint model share.

    Attributes
    ----------
    names
        [R] signatures; de novo ones come last.
    model
        Priors, profiles and roles; its counts and gates are those of no state.
    context
        [N] index of each mutation's context, `NO_CONTEXT` where there is none; in the kernels' order.
    dates
        [S] day (ordinal) of each sample, NaN where it is not known.
    begins
        [R] first day (ordinal) on which a treatment that makes the signature was given; -inf without a gate.
    noise_weight
        Weight of each context in the prior of the spectra of noise and germline.
    """

    names: tuple[str, ...]
    model: Model
    context: np.ndarray
    dates: np.ndarray
    begins: np.ndarray
    noise_weight: float

    @property
    def dated(self) -> np.ndarray:
        """Samples by date, where there are gates; those without a date are left out."""
        order = np.argsort(self.dates, kind="stable")
        return order[: int(np.isfinite(self.dates).sum())] if np.isfinite(self.begins).any() else order[:0]

    def closed(self, presence: np.ndarray) -> np.ndarray:
        """Gates [K, R] that are closed for clones that are present as given [K, S]: sampled before the treatment."""
        dates = np.where(np.isfinite(self.dates), self.dates, np.inf)
        first = np.where(presence > 0, dates, np.inf).min(1, initial=np.inf)
        return first[:, None] <= self.begins

    @classmethod
    def of(
        cls, ds: xr.Dataset, order: np.ndarray, settings: Settings, reference: Table | None = None
    ) -> Signatures | None:
        """State the signature part for a Dataset whose mutations the kernels have in `order`.

        Parameters
        ----------
        ds
            The data.
        order
            [N] position in the Dataset of each of the kernels' mutations.
        settings
            Of a specification of the family `joint`.
        reference
            Profiles of the reference's region, by default those that the package carries; the candidates are those
            that the settings name.

        Returns
        -------
        Signatures or None
            None if no mutation has a context.

        Raises
        ------
        InputError
            With every context that is none, or that is of another change than the mutation's.
        """
        check_contexts(ds)
        context = contexts_of(ds)[order]
        if (context == NO_CONTEXT).all():
            return None
        table = as_seen(reference or read_reference(), ds)
        courses = treatments_of(ds.set_coords("treatment") if "treatment" in ds else ds)
        names = candidates(table.names, settings, courses)
        profiles = table.values[[table.names.index(name) for name in names]]
        dates, begins = dates_of(ds), begin_of(names, settings, courses)
        fresh = int(settings.constant("denovo"))
        gated = np.isfinite(begins).any() and np.isfinite(dates).any()
        begins = np.concatenate([begins if gated else np.full(len(names), -np.inf), np.full(fresh, -np.inf)])
        roles = [settings.role(name) for name in names]
        empty, closed = np.zeros((0, NO_CONTEXT), np.int64), np.zeros((0, len(names)), bool)
        model = make_model(empty, profiles, roles, settings, denovo=fresh, closed=closed if gated else None)
        named = (*names, *(f"{DE_NOVO}{i + 1}" for i in range(fresh)))
        weight = settings.spec.constant("noise_context")
        return cls(named, model, context, dates, begins, weight)


def contexts_of(ds: xr.Dataset) -> np.ndarray:
    """Index [N] of the context of every mutation of a Dataset, `NO_CONTEXT` where there is none."""
    if "context" not in ds:
        return np.full(ds.sizes["mutation"], NO_CONTEXT)
    found = index_of(ds["context"].values)
    return np.where(found >= 0, found, NO_CONTEXT)


def check_contexts(ds: xr.Dataset) -> None:
    """Refuse contexts that cannot be read, or that contradict the alleles: they must not be left out in silence.

    Raises
    ------
    InputError
        With every such mutation.
    """
    if "context" not in ds:
        return
    faults, source = FaultList(), str(ds.attrs.get("source", "dataset"))
    alleles = [ds[name].values if name in ds else np.full(ds.sizes["mutation"], "") for name in ("ref", "alt")]
    index = index_of(ds["context"].values)
    rows = zip(ds["mutation"].values, ds["context"].values, index, *alleles, strict=True)
    for mutation, text, i, ref, alt in rows:
        if i < 0 and str(text).strip():
            remedy = "Write it as A[C>T]G, leave it empty, or leave contexts out with --model tree."
            faults.add(source, "is no trinucleotide context", remedy, column="context", value=f"{text} of {mutation}")
        elif i >= 0 and len(str(ref)) == len(str(alt)) == 1:
            change = normal_label(f"A[{ref}>{alt}]A")
            if change and change[2:5] != CONTEXTS[i][2:5]:
                message, remedy = "the context is of another change", "Add contexts anew: `clonalbayes contexts`."
                value = f"{text} of {mutation} ({ref}>{alt})"
                faults.add(source, message, remedy, column="context", value=value)
    faults.raise_if_any()


def candidates(names: Sequence[str], settings: Settings, courses: Sequence[Treatment]) -> tuple[str, ...]:
    """Choose the signatures of a joint model: those that the settings name.

    Where treatments are known, the signatures of others are left out.
    """
    given = {course.name.lower() for course in courses}
    others = {name for name, by in settings.treatments.items() if given and not given & set(by)}
    return tuple(name for name in names if name in settings.roles and name not in others)


def dates_of(ds: xr.Dataset) -> np.ndarray:
    """Day (ordinal) [S] of every sample, NaN where there is no date."""
    texts = ds["date"].values if "date" in ds else [""] * ds.sizes["specimen"]
    found = [parse_date(str(text)) for text in texts]
    return np.array([np.nan if day is None else float(day.toordinal()) for day in found])


def begin_of(names: Sequence[str], settings: Settings, courses: Sequence[Treatment]) -> np.ndarray:
    """First day (ordinal) [R] of the treatments that make each signature; -inf where it is none's."""
    out = np.full(len(names), -np.inf)
    for r, name in enumerate(names):
        days = [parse_date(c.start) for c in courses if c.name.lower() in settings.treatments.get(name, ())]
        known = [day.toordinal() for day in days if day is not None]
        out[r] = min(known) if known else -np.inf
    return out


def counts_of(signatures: Signatures, state: ChainState) -> np.ndarray:
    """Mutations [K + 2, 96] by clone, germline and noise and by context, in a chain's state."""
    clones, kept = int(state.n_clones[0]), signatures.context < NO_CONTEXT
    z = state.z[kept].astype(np.int64)
    row = np.where(z >= 0, z, np.where(z == NOISE, clones + 1, clones))
    flat = np.bincount(row * NO_CONTEXT + signatures.context[kept], minlength=(clones + 2) * NO_CONTEXT)
    return flat.reshape(clones + 2, NO_CONTEXT)


def begin(signatures: Signatures, state: ChainState, work: Work, rng: np.random.Generator) -> None:
    """Give a chain's state, which has clones, its first exposures and profiles."""
    first = start(replace(signatures.model, counts=np.zeros((1, len(state.tag), NO_CONTEXT), np.int64)), 1, rng)
    state.intensity[:] = first.theta[0]
    state.weight[:], state.strength[:] = first.g[0], first.strength
    state.intensity_mean[:], state.intensity_shape[:], state.use[:] = first.mean[0, 0], first.shape[0], first.use[0]
    for _ in range(FIRST_SWEEPS):
        update(signatures, state, work, rng)


def update(signatures: Signatures, state: ChainState, work: Work, rng: np.random.Generator) -> None:
    """Draw exposures, profiles and their priors' parameters given the clones; then what the free tags have.

    The parameters are drawn with the free tags integrated out.
    """
    model, part, counts = conditional(signatures, state)
    sweep(part, model, rng)
    clones = int(state.n_clones[0])
    state.intensity[state.tag[:clones]] = part.theta[0]
    state.weight[:], state.strength[:] = part.g[0], part.strength
    state.intensity_mean[:], state.intensity_shape[:], state.use[:] = part.mean[0, 0], part.shape[0], part.use[0]
    draw_free(signatures, state, rng)
    for row in range(2):
        drawn = rng.standard_gamma(signatures.noise_weight + counts[clones + row])
        state.spectrum[row] = np.maximum(drawn / drawn.sum(), TINY)
    refresh(signatures, state, work)


def level(signatures: Signatures, state: ChainState, work: Work) -> None:
    """Give clones that the reads hardly tell apart the same exposures, the mean of theirs: for tuning alone.

    A clone in two parts whose exposures have drawn apart has its mutations sorted by context, and neither part's
    exposures would do for both: no merge is taken any more. With exposures alike the next sweep sorts them by their
    reads, and merges the parts or, where the reads or many contexts speak for two clones, lets them be.
    """
    clones = int(state.n_clones[0])
    root, tags, total = np.sqrt(state.ccf[:clones]), state.tag[:clones], state.weight.sum(1)
    near = ((root[:, None] - root) ** 2).sum(2) < TWINS
    made = state.intensity[tags] * total
    size = made.sum(1, keepdims=True)
    members = np.bincount(state.z[state.z >= 0], minlength=clones)
    share = (near * members) @ (made / size) / (near @ members)[:, None]
    state.intensity[tags] = np.where(near.sum(1, keepdims=True) > 1, share * size / total, state.intensity[tags])
    refresh(signatures, state, work)


def conditional(signatures: Signatures, state: ChainState) -> tuple[Model, State, np.ndarray]:
    """The signature model given a chain's clones, its state there, and `counts_of` it."""
    clones, counts = int(state.n_clones[0]), counts_of(signatures, state)
    closed = signatures.closed(state.presence[:clones])
    model = replace(signatures.model, counts=counts[None, :clones], closed=closed)
    part = State(
        theta=state.intensity[state.tag[:clones]][None], g=state.weight[None].copy(), strength=state.strength.copy(),
        mean=state.intensity_mean[None, None].copy(), shape=state.intensity_shape[None].copy(),
        use=state.use[None].copy(), size=np.ones((1, clones)),
    )  # fmt: skip
    return model, part, counts


def draw_free(signatures: Signatures, state: ChainState, rng: np.random.Generator) -> None:
    """Draw the intensities of the tags that no clone has from their prior; their gates are open."""
    free = state.tag[int(state.n_clones[0]) :]
    on = rng.random((len(free), len(state.use))) < np.where(signatures.model.always, 1.0, state.use)
    drawn = rng.standard_gamma(state.intensity_shape, on.shape) * (state.intensity_mean / state.intensity_shape)
    state.intensity[free] = np.where(on, np.maximum(drawn, TINY), 0.0)


def refresh(signatures: Signatures, state: ChainState, work: Work) -> None:
    """Make the tables that the moves of the partition read from exposures, profiles, spectra and dates."""
    rate = np.maximum(state.intensity @ state.weight, TINY)
    rows = len(state.tag)
    work.context_log[:rows, :NO_CONTEXT] = np.log(rate / rate.sum(1, keepdims=True))
    work.context_log[rows:, :NO_CONTEXT] = np.log(state.spectrum)
    if len(work.dated):
        work.gate[:] = gates(signatures, state)


def gates(signatures: Signatures, state: ChainState) -> np.ndarray:
    """Log factor [K, D] on the prior of a tag's exposures where its clone is first in the d-th dated sample."""
    closed = signatures.dates[signatures.dated][:, None] <= signatures.begins
    use, leak = np.where(signatures.model.always, 0.5, state.use), signatures.model.leak
    on, off = np.log(leak) - np.log(use), np.log1p(-leak) - np.log1p(-use)
    factor = np.where(state.intensity > 0, on, off)
    out: np.ndarray = factor @ closed.T.astype(float)
    return out


def log_prior_profiles(signatures: Signatures, state: ChainState) -> float:
    """Log prior density of the profiles and their strength, up to a constant."""
    model = signatures.model
    shape = strengths(model, state.strength)[0, :, None]
    density = log_gamma_density(state.weight, shape, shape / model.reference).sum()
    return float(density) + log_normal_density(state.strength, model.strength_prior)


def log_prior_exposures(signatures: Signatures, state: ChainState) -> float:
    """Log prior density of exposures, spectra and their parameters, free tags integrated out, up to a constant."""
    model, part, _ = conditional(signatures, state)
    total = log_normal_density(part.mean, model.mean_prior) + log_normal_density(part.shape, model.shape_prior)
    free = ~model.always
    a, b = model.use_prior[:, free]
    total += float(((a - 1) * np.log(part.use[0, free]) + (b - 1) * np.log1p(-part.use[0, free])).sum())
    on = part.theta[0] > 0
    chance = np.where(model.closed, model.leak, part.use[0])
    p = np.where(model.always, 1.0, np.where(on, chance, 1.0 - chance))
    size = log_gamma_density(np.where(on, part.theta[0], 1.0), part.shape[0], (part.shape / part.mean[:, 0])[0])
    total += float((np.log(p) + np.where(on, size, 0.0)).sum())
    return total + float((signatures.noise_weight - 1.0) * np.log(state.spectrum).sum())


def log_normal_density(x: np.ndarray, prior: tuple[float, float]) -> float:
    """Log density of log-normal values, given its median and sigma, summed, up to a constant."""
    gap = (np.log(x) - np.log(prior[0])) / prior[1]
    return -float((0.5 * gap * gap + np.log(x)).sum())


def log_gamma_density(x: np.ndarray, shape: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Log density of Gamma(shape, rate) at x."""
    out: np.ndarray = shape * np.log(rate) - gammaln(shape) + (shape - 1) * np.log(x) - rate * x
    return out


def exposures(state: ChainState) -> np.ndarray:
    """Share [K, R] of each clone's mutations made by each signature, in a chain's state."""
    made = state.intensity[state.tag[: int(state.n_clones[0])]] * state.weight.sum(1)
    total = made.sum(1, keepdims=True)
    return np.divide(made, total, out=np.zeros_like(made), where=total > 0)
