"""The step method of the clone model: one sweep of the kernels for each step of `pm.sample`."""

# mypy: allow-subclassing-any

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pymc as pm
from pymc.step_methods import STEP_METHODS
from pymc.step_methods.compound import BlockedStep, Competence, StepMethodState
from pymc.step_methods.state import dataclass_state
from pymc.util import get_random_generator

from clonalbayes.kernels import refs
from clonalbayes.kernels.density import log_prior
from clonalbayes.kernels.layout import GERMLINE, NOISE
from clonalbayes.kernels.profile import Terms, new_terms
from clonalbayes.kernels.start import start_clones
from clonalbayes.kernels.state import State, Work, new_state, new_work
from clonalbayes.kernels.sweep import BIRTHS_PER_SWEEP, ENVELOPE_SHARE, SPLITS_PER_SWEEP, sweep
from clonalbayes.steps.points import VARIABLES, CloneBlock, to_point, to_state

TAG = "clone_block"
"""Name of the tag by which a variable says that `CloneStep` updates it; its value is a `CloneBlock`."""

START_SPREAD = 0.3  # standard deviation of the logarithm by which chains start apart


@dataclass_state
class CloneStepState(StepMethodState):
    """What a chain that is to go on must remember beside its point."""

    tune: bool
    done: int
    step_size: np.ndarray
    moments: np.ndarray


class Arrays(NamedTuple):
    """The kernels' records, and the references to them that kernels take (data, state, work, terms)."""

    state: State
    work: Work
    terms: Terms
    refs: tuple[Any, Any, Any, Any]


def new_arrays(block: CloneBlock) -> Arrays:
    """Fresh records for one chain of a model."""
    data, capacity = block.reads.data, block.capacity
    state, work = new_state(data, capacity), new_work(data, capacity)
    terms = new_terms(len(data.cls), capacity + 1, int(np.diff(data.cell_off).max()))
    references = (
        refs.refer_data(data), refs.refer_state(state), refs.refer_work(work), refs.refer_terms(terms)
    )  # fmt: skip
    return Arrays(state, work, terms, references)


class CloneStep(BlockedStep):
    """Updates all free variables of the clone model by one sweep of the compiled kernels.

    `pm.sample` picks it by itself in a model of `clonalbayes.build_model`. The first step of a chain whose
    starting point has no clones makes them (see `clonalbayes.kernels.start`).

    Parameters
    ----------
    vars : list of TensorVariable
        Value variables; all of `clonalbayes.steps.VARIABLES`.
    births, splits : int
        Birth-or-death and split-or-merge proposals per sweep.
    envelope_share : float
        Share of the clone-sample pairs whose presence and prevalence are redrawn together in a sweep.
    model : pymc.Model, optional
        The model of the variables; by default the one of the context.
    rng : numpy.random.Generator or int, optional
        Used until `setup_chain` brings the chain's own generator.
    initial_point, compile_kwargs, blocked
        As PyMC passes them to every step; nothing here is compiled by PyTensor.

    Raises
    ------
    ValueError
        If variables are missing, or are not those of a clone model.
    """

    name = "clone_step"
    stats_dtypes_shapes: dict[str, Any] = {  # noqa: RUF012 (PyMC declares it so)
        "lp": (np.float64, []),
        "log_likelihood": (np.float64, []),
        "n_clones": (np.int64, []),
        "n_noise": (np.int64, []),
        "n_germline": (np.int64, []),
        "tune": (bool, []),
    }
    _state_class = CloneStepState

    def __init__(
        self,
        vars: list[Any],
        *,
        births: int = BIRTHS_PER_SWEEP,
        splits: int = SPLITS_PER_SWEEP,
        envelope_share: float = ENVELOPE_SHARE,
        model: pm.Model | None = None,
        rng: Any = None,
        initial_point: dict[str, np.ndarray] | None = None,
        compile_kwargs: dict[str, Any] | None = None,
        blocked: bool = True,
    ) -> None:
        model = pm.modelcontext(model)
        self.vars = list(vars)
        self.block = self._find_block(model)
        self.dtypes = {var.name: var.dtype for var in self.vars}
        self.births, self.splits, self.envelope_share = births, splits, envelope_share
        self.rng = get_random_generator(rng)
        self.tune, self.done = True, 0
        self._arrays: Arrays | None = None
        self.step_size, self.moments = np.empty(0), np.empty(0)

    def _find_block(self, model: pm.Model) -> CloneBlock:
        """The block that all variables belong to, checked to be complete."""
        return _block_of(self.vars, model)

    def setup_chain(self, rng: Any, tune: int, draws: int) -> None:
        """Begin a chain: take its generator and forget the chain before."""
        self.rng = get_random_generator(rng, copy=False)
        self.tune, self.done = tune > 0, 0
        self._arrays = None

    def reset_tuning(self) -> None:
        """Begin to adapt anew."""
        self.done = 0

    def step(self, point: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
        """One sweep from a point; the new point and the statistics of the sweep."""
        arrays = self._ready()
        to_state(self.block, point, arrays.state)
        if self.done == 0 and arrays.state.n_clones[0] == 0:
            self._start(arrays)
        data, state, work, terms = arrays.refs
        tuning_round = self.done + 1 if self.tune else 0
        loglik = sweep(
            data, state, work, terms, self.block.priors, self.births, self.splits, self.envelope_share, False,
            tuning_round, self.rng,
        )  # fmt: skip
        self.done += 1
        self.step_size, self.moments = arrays.state.step_size, arrays.state.moments
        stats = {
            "lp": loglik + log_prior(data, state, work, self.block.priors),
            "log_likelihood": loglik,
            "n_clones": int(arrays.state.n_clones[0]),
            "n_noise": int((arrays.state.z == NOISE).sum()),
            "n_germline": int((arrays.state.z == GERMLINE).sum()),
            "tune": self.tune,
        }
        values = to_point(self.block, arrays.state, self.rng)
        moved = {name: np.asarray(value, self.dtypes[name]) for name, value in values.items()}
        return {**point, **moved}, [stats]

    def _ready(self) -> Arrays:
        """The chain's arrays; made late, because references to them cannot go to another process."""
        if self._arrays is None:
            self._arrays = new_arrays(self.block)
            if self.done and self.step_size.size:
                self._arrays.state.step_size[:] = self.step_size
                self._arrays.state.moments[:] = self.moments
        return self._arrays

    def _start(self, arrays: Arrays) -> None:
        """First clones of a chain, with precision and error rates set apart from the other chains'."""
        state = arrays.state
        spread = np.exp(self.rng.normal(0.0, START_SPREAD, (2, len(state.precision))))
        state.precision[:] *= spread[0]
        state.error_rate[:] = np.minimum(state.error_rate * spread[1], 0.02)
        start_clones(*arrays.refs, self.rng)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the arrays: they are made again where the chain runs."""
        return {**self.__dict__, "_arrays": None}

    @staticmethod
    def competence(var: Any, has_grad: bool = False) -> Competence:
        """Ideal for the variables of a clone model, incompatible with all others."""
        return Competence.IDEAL if hasattr(var.tag, TAG) else Competence.INCOMPATIBLE


def _block_of(variables: list[Any], model: pm.Model) -> CloneBlock:
    """The block that all variables belong to, checked to be complete."""
    blocks = {getattr(model.values_to_rvs[var].tag, TAG, None) for var in variables}
    found = sorted(var.name for var in variables)
    block = next(iter(blocks))
    if len(blocks) != 1 or block is None or found != sorted(VARIABLES):
        raise ValueError(
            f"CloneStep updates the variables of one clone model together: {', '.join(VARIABLES)}. "
            f"It was given {', '.join(found)}."
        )
    return block


def register() -> None:
    """Put `CloneStep` before PyMC's own step methods, so that it wins where both would be ideal.

    It is incompatible with the variables of all other models, so these are sampled as ever.
    """
    if CloneStep not in STEP_METHODS:
        STEP_METHODS.insert(0, CloneStep)
