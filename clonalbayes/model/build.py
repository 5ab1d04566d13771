"""From data and a specification to a `pm.Model`, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pymc as pm
import xarray as xr

from clonalbayes import specs
from clonalbayes.constraints import require_known
from clonalbayes.genotypes import compile_priors, compile_reads
from clonalbayes.kernels.layout import Priors
from clonalbayes.model.called import add_reads
from clonalbayes.model.conditions import add_tree_condition
from clonalbayes.model.contexts import add_contexts
from clonalbayes.model.partition import add_partition
from clonalbayes.model.prevalence import (
    PRESENCE,
    add_cellular_prevalence,
    add_condition,
    add_prevalence,
)
from clonalbayes.model.purity import add_tree_purity
from clonalbayes.model.reads import SampleParameters, add_genotype, add_sample_parameters, alt_fractions
from clonalbayes.model.tree import add_tree
from clonalbayes.signatures.joint import Signatures
from clonalbayes.signatures.settings import load
from clonalbayes.specs import Spec
from clonalbayes.steps import VARIABLES, CloneBlock, TreeBlock, register, register_tree
from clonalbayes.steps.clone_step import TAG
from clonalbayes.steps.tree_step import TREE_TAG

if TYPE_CHECKING:
    from pathlib import Path

    from clonalbayes.data.patient import Patient


def build_model(data: Patient | xr.Dataset, spec: str | Path | Spec = "clones") -> pm.Model:
    """State the whole joint density of a model for one patient.

    Inside the model `pm.sample` picks clonalbayes' own step methods by itself (not where the specification has
    constraints, nor in the joint model with contexts: `clonalbayes.fit` samples those). For long runs
    `clonalbayes.fit` runs the same kernels with less overhead.

    Parameters
    ----------
    data : Patient or xarray.Dataset
        What `clonalbayes.read` returns, or a Dataset with dims `mutation`, `specimen`.
    spec : str, Path or Spec
        Name of a specification, or a TOML file.

    Returns
    -------
    pymc.Model
        With coords `slot`, `mutation`, `specimen` and `state`. The module's docstring
        (`clonalbayes.model`) has the variables and the density.

    Raises
    ------
    InputError
        If the specification is faulty.

    Notes
    -----
    Labels of slots, and prevalences by slot, mean nothing across draws: PyMC's convergence checks of single
    variables do not apply to them. Look at `n_clones` and at other quantities without labels:

    >>> import clonalbayes, pymc
    >>> with clonalbayes.build_model(clonalbayes.read("patient.tsv")):  # doctest: +SKIP
    ...     draws = pymc.sample(compute_convergence_checks=False)
    """
    spec = specs.load(spec)
    ds = data if isinstance(data, xr.Dataset) else data.data
    reads, priors = compile_reads(ds, spec), compile_priors(ds, spec)
    mutations = ds["mutation"].values.astype(str)
    slots = min(int(spec.constant("max_clones")), len(mutations))
    coords = {"slot": np.arange(slots), "mutation": mutations, "specimen": ds["specimen"].values.astype(str)}
    with_tree = spec.blocks["prevalence"] == "tree"
    with pm.Model(coords=coords) as model:
        assignment, sizes = add_partition(priors, len(mutations), slots)
        if with_tree:
            clones, parameters = _add_tree_clones(ds, spec, priors, assignment, sizes)
        else:
            clones, parameters = _add_free_clones(priors, assignment, sizes)
        genotype = add_genotype(reads)
        fractions = alt_fractions(reads, assignment, genotype, clones, parameters)
        add_reads(reads, spec, assignment, fractions, parameters.precision)
        signatures = Signatures.of(ds, np.arange(len(mutations)), load(spec)) if spec.family == "joint" else None
        if signatures is not None:
            add_contexts(signatures, load(spec), assignment, model["presence"], mutations)
    if signatures is not None:
        return model
    if with_tree:
        if not spec.constraints:  # the step does not know them
            tree_block = TreeBlock(reads, priors, slots, tuple(variable.name for variable in model.free_RVs))
            for variable in model.free_RVs:
                setattr(variable.tag, TREE_TAG, tree_block)
            register_tree()
        return model
    block = CloneBlock(reads, priors, slots)
    for name in VARIABLES:
        setattr(model[name].tag, TAG, block)
    register()
    return model


def _add_free_clones(priors: Priors, assignment: Any, sizes: Any) -> tuple[Any, SampleParameters]:
    """Add clones without a tree to the model of the context; their ccf and the samples' parameters."""
    pm.modelcontext(None).add_coord("state", np.array(PRESENCE))
    presence, ccf = add_prevalence(priors, sizes)
    add_condition(assignment, sizes, presence)
    parameters = add_sample_parameters(priors)
    add_cellular_prevalence(ccf, parameters.purity, sizes)
    return ccf, parameters


def _add_tree_clones(
    ds: xr.Dataset, spec: Spec, priors: Priors, assignment: Any, sizes: Any
) -> tuple[Any, SampleParameters]:
    """Add clones with their tree to the model of the context; their prevalences and the samples' parameters."""
    require_known(spec.constraints, ds)
    model = pm.modelcontext(None)
    model.add_coord("population", np.array(["normal", *map(str, model.coords["slot"])]))
    tree = add_tree(priors, spec, sizes)
    purity = add_tree_purity(priors, spec, tree.fraction[0])
    add_tree_condition(spec.constraints, assignment, tree, purity.within)
    return tree.prevalence, add_sample_parameters(priors, purity.of_reads)
