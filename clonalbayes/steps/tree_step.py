"""The step method of the tree model: one joint sweep of the kernels for each step of `pm.sample`."""

# mypy: allow-subclassing-any

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
from pymc.step_methods import STEP_METHODS
from pymc.step_methods.compound import Competence

from clonalbayes.kernels import refs
from clonalbayes.kernels.density import log_prior
from clonalbayes.kernels.layout import ABSENT, GERMLINE, NOISE, SUBCLONAL
from clonalbayes.kernels.state import State
from clonalbayes.kernels.tree_grove import new_grove
from clonalbayes.kernels.tree_place import new_offer
from clonalbayes.kernels.tree_start import FEW, PARTICLES, plant
from clonalbayes.kernels.tree_sweep import read_curves, sweep_joint, tree_blocks
from clonalbayes.steps.clone_step import Arrays, CloneStep, new_arrays
from clonalbayes.steps.points import CloneBlock, used_slots

TREE_TAG = "tree_block"
"""Name of the tag by which a variable says that `TreeStep` updates it; its value is a `TreeBlock`."""


ROUNDS_TO_ROOT = 20  # passes over the first tree before mutations move


@dataclass(frozen=True, eq=False)
class TreeBlock(CloneBlock):
    """What a step needs to know of the tree model that it works in.

    Attributes
    ----------
    variables
        Names of the free variables; `read_purity` is among them if some sample's reads depend on it.
    """

    variables: tuple[str, ...] = ()

    @property
    def linked(self) -> np.ndarray:
        """Samples whose reads depend on their purity."""
        return np.flatnonzero(self.priors.linked)


def tree_to_state(block: TreeBlock, point: Mapping[str, np.ndarray], state: State) -> None:
    """Write a point into the kernels' state; slots with members become rows, in the order of the slots."""
    slots, root = used_slots(point["assignment"]), len(state.parent)
    labels, clones = point["assignment"][block.reads.order], len(slots)
    state.z[:] = np.where(labels >= 0, np.searchsorted(slots, labels), labels)
    state.g[:] = point["genotype"][block.reads.order]
    state.n_clones[0] = clones
    parent = point["parent"][slots]
    state.parent[:clones] = np.where(parent == 0, root, np.searchsorted(slots, parent - 1))
    state.presence[:clones] = np.where(point["presence"][slots] == 1, SUBCLONAL, ABSENT)
    state.fraction[:] = 0.0
    state.fraction[:clones], state.fraction[root] = point["clone_fraction"][1 + slots], point["clone_fraction"][0]
    below = np.eye(clones)
    for _ in range(clones):  # prevalences: own cells and those of all below
        below = np.minimum(below + below @ (parent[None] == 1 + slots[:, None]), 1.0)
    state.ccf[:clones] = below @ state.fraction[:clones]
    state.concentration[0], state.psi_mean[0] = point["concentration"], point["present_prob_mean"]
    state.sparsity[:], state.psi[:] = point["fraction_concentration"], point["present_prob"]
    state.sparsity_scale[0] = np.log(point["fraction_concentration_median"])
    state.precision[:], state.error_rate[:] = point["precision"], point["error_rate"]
    state.cn_clonal[:] = point["cn_clonal_fraction"]
    if len(block.linked):
        state.purity[block.linked] = point["read_purity"]


def tree_to_point(block: TreeBlock, state: State) -> dict[str, np.ndarray]:
    """Read the kernels' state as values of the variables, the clones in the first slots."""
    clones, root, samples = int(state.n_clones[0]), len(state.parent), state.ccf.shape[1]
    assignment, genotype = np.empty(len(state.z), np.int64), np.empty(len(state.z), np.int64)
    assignment[block.reads.order], genotype[block.reads.order] = state.z, state.g
    parent = np.full(block.slots, -1, np.int64)
    parent[:clones] = np.where(state.parent[:clones] == root, 0, state.parent[:clones] + 1)
    presence, fraction = np.zeros((block.slots, samples), np.int64), np.zeros((block.slots + 1, samples))
    presence[:clones] = state.presence[:clones] != ABSENT
    fraction[0], fraction[1 : clones + 1] = state.fraction[root], state.fraction[:clones]
    values = {
        "concentration": state.concentration[0].copy(),
        "assignment": assignment,
        "genotype": genotype,
        "present_prob_mean": state.psi_mean[0].copy(),
        "present_prob": state.psi.copy(),
        "fraction_concentration_median": np.exp(state.sparsity_scale[0]),
        "fraction_concentration": state.sparsity.copy(),
        "parent": parent,
        "presence": presence,
        "clone_fraction": fraction,
        "precision": state.precision.copy(),
        "error_rate": state.error_rate.copy(),
        "cn_clonal_fraction": state.cn_clonal.copy(),
    }
    return values | ({"read_purity": state.purity[block.linked]} if len(block.linked) else {})


class TreeStep(CloneStep):
    """Updates all free variables of the tree model by one joint sweep of the compiled kernels.

    Parameters and errors are those of `CloneStep`, but for `envelope_share`, which has no use here.
    `pm.sample` picks it by itself in a model of `clonalbayes.build_model` that has a tree and no constraints.
    """

    name = "tree_step"

    def _find_block(self, model: pm.Model) -> TreeBlock:
        """The block that all variables belong to, checked to be complete."""
        blocks = {getattr(model.values_to_rvs[var].tag, TREE_TAG, None) for var in self.vars}
        found = sorted(var.name for var in self.vars)
        block = next(iter(blocks))
        if len(blocks) != 1 or block is None or found != sorted(block.variables):
            raise ValueError(f"TreeStep updates all variables of one tree model together. It was given {found}.")
        assert isinstance(block, TreeBlock)
        return block

    def step(self, point: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
        """One sweep from a point; the new point and the statistics of the sweep."""
        arrays = self._ready()
        block, state = self.block, arrays.state
        assert isinstance(block, TreeBlock)
        tree_to_state(block, point, state)
        data, ref, work, terms = arrays.refs
        grove, offer = self._scratch
        if self.done == 0 and state.n_clones[0] == 0:
            self._start(arrays)
            self._plant(arrays)
        loglik = sweep_joint(
            data, ref, work, terms, grove, block.priors, offer, self.births, self.splits,
            self.done + 1 if self.tune else 0, self.rng,
        )  # fmt: skip
        self.done += 1
        self.step_size, self.moments = state.step_size, state.moments
        stats = {
            "lp": loglik + log_prior(data, ref, work, block.priors),
            "log_likelihood": loglik,
            "n_clones": int(state.n_clones[0]),
            "n_noise": int((state.z == NOISE).sum()),
            "n_germline": int((state.z == GERMLINE).sum()),
            "tune": self.tune,
        }
        moved = {name: np.asarray(value, self.dtypes[name]) for name, value in tree_to_point(block, state).items()}
        return {**point, **moved}, [stats]

    def _plant(self, arrays: Arrays) -> None:
        """Give the first clones a tree, and time to find their places in it before mutations move."""
        (data, ref, work, terms), (grove, offer) = arrays.refs, self._scratch
        priors = self.block.priors
        read_curves(data, ref, work, terms, grove)
        plant(data, ref, work, terms, grove, priors, offer, PARTICLES, FEW, self.rng)
        tree_blocks(data, ref, work, terms, grove, priors, offer, ROUNDS_TO_ROOT, False, False, self.rng)

    def _ready(self) -> Arrays:
        """The chain's arrays, and the scratch space of the tree's moves."""
        if self._arrays is None:
            self._arrays = new_arrays(self.block)
            self._arrays.state.purity[:] = self.block.priors.purity[:, 0]
            capacity, samples = self._arrays.state.ccf.shape
            grove, offer = new_grove(samples, capacity), new_offer(samples)
            self._held = (grove, offer)  # the references share these arrays
            self._scratch = refs.refer_grove(grove), refs.refer_offer(offer)
            if self.done and self.step_size.size:
                self._arrays.state.step_size[:] = self.step_size
                self._arrays.state.moments[:] = self.moments
        return self._arrays

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the arrays: they are made again where the chain runs."""
        return {**self.__dict__, "_arrays": None, "_held": None, "_scratch": None}

    @staticmethod
    def competence(var: Any, has_grad: bool = False) -> Competence:
        """Ideal for the variables of a tree model, incompatible with all others."""
        return Competence.IDEAL if hasattr(var.tag, TREE_TAG) else Competence.INCOMPATIBLE


def register_tree() -> None:
    """Put `TreeStep` before PyMC's own step methods; it is incompatible with the variables of all other models."""
    if TreeStep not in STEP_METHODS:
        STEP_METHODS.insert(0, TreeStep)
