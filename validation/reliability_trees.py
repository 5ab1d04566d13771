"""Are the probabilities of relations between clones right with one or three samples? A reliability table.

    python validation/reliability_trees.py [--patients N] [--out FOLDER]

Clusters are given. Patients are drawn in three worlds: `model`, from the tree model's prior; `even trees`, where any
tree is as likely as any other, and every clone is in every sample with Dirichlet(0.1) fractions and binomial reads;
and `published`, the recipe of the Pairtree paper's simulations, the same with trees of one founder in which a clone's
parent is the one before it in three of four cases. The clusters are shuffled. In the last two the model is wrong in
what it says of presence, in the last one also of trees.

A run with given clusters (the schedule that they have by default, but fewer draws) says for each ordered pair of
clones how probable it is that one is the other's parent, and its ancestor. These probabilities are put into bins, and
the share of the relations in a bin that the true tree has is compared with their mean. Standard errors are over
patients, whose relations are not independent. One more table, of mass: the mean posterior probability of trees that
the true prevalences do not rule out, and of the true tree.

Rule, decided before the first run: in the world `model` no bin with at least 200 relations is off by more than four
standard errors and 0.02, and in the others no probability above 0.9 is an overstatement by more than 0.1. The exit
code is 1 otherwise. Tables: `results/trees_reliability.tsv` and `trees_reliability_mass.tsv`.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

from kernel_fixtures import dataset  # noqa: E402

from clonalbayes import specs  # noqa: E402
from clonalbayes.inference.chain import Chain  # noqa: E402
from clonalbayes.inference.fit import make_plan, settings_of  # noqa: E402
from clonalbayes.simulate.genome import descends  # noqa: E402
from clonalbayes.simulate.prior_tree import draw_clones, draw_fractions, draw_tree  # noqa: E402
from clonalbayes.summaries.ancestry import ancestor_weights, parent_weights  # noqa: E402

RESULTS = HERE / "results"
WORLDS = ("model", "even trees", "published")
CLONES, MEMBERS, DEPTH = 8, 10, 200
DRAWS = 150  # of each chain
FLAT, PREVIOUS = 0.1, 0.75
EDGES = np.array([0.0, 0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.98, 1.0])
ENOUGH, ERRORS, OFF, OVERSTATED = 200, 4.0, 0.02, 0.1
ROOM = 0.01  # of the cells, what some 2000 reads leave open

type Relations = dict[str, np.ndarray]
"""A number for every ordered pair of clones, by the kind of relation."""


@dataclass
class Patient:
    """A tree [K], prevalences [K, S] and counts [N, S] of MEMBERS mutations a clone."""

    parent: np.ndarray
    prevalence: np.ndarray
    alt: np.ndarray
    depth: np.ndarray


def draw_published_tree(rng: np.random.Generator) -> np.ndarray:
    """Parents [K] of a tree with one founder, its clones in random order."""
    above = np.zeros(CLONES, np.int64)
    for k in range(1, CLONES):
        above[k] = k if rng.random() < PREVIOUS else 1 + rng.integers(k)
    place = rng.permutation(CLONES)
    parent = np.empty(CLONES, np.int64)
    parent[place] = np.where(above == 0, 0, place[above - 1] + 1)
    return parent


def draw_patient(world: str, samples: int, spec: specs.Spec, rng: np.random.Generator) -> Patient:
    """One patient of a world."""
    precision, error = np.full(samples, np.inf), np.zeros(samples)
    if world == "model":
        drawn = draw_clones(CLONES, samples, spec, rng)
        parent, prevalence = drawn.parent, drawn.prevalence
        precision = spec.value("precision", "median") * np.exp(
            spec.value("precision", "sigma") * rng.standard_normal(samples)
        )
        error = spec.value("error_rate", "median") * np.exp(
            spec.value("error_rate", "sigma") * rng.standard_normal(samples)
        )
    else:
        parent = draw_published_tree(rng) if world == "published" else draw_tree(CLONES, 1.0, rng)
        fraction = draw_fractions(np.ones((CLONES, samples), int), np.full(samples, FLAT), rng)
        prevalence = np.minimum(descends(parent).astype(float) @ fraction[1:], 1.0)
    depth = np.maximum(rng.poisson(DEPTH, (CLONES * MEMBERS, samples)), 1)
    x = np.repeat(prevalence, MEMBERS, axis=0) / 2.0
    x = x * (1.0 - error) + (1.0 - x) * error
    if world == "model":
        x = rng.beta(np.maximum(x * precision, 1e-12), (1.0 - x) * precision)
    return Patient(parent, prevalence, rng.binomial(depth, x), depth)


def draws_of(patient: Patient, spec: specs.Spec, seed: np.random.SeedSequence) -> np.ndarray:
    """Trees [D, K] of a default run with given clusters."""
    ds = dataset(patient.alt, patient.depth, purity=1.0)  # and no error of it: not known
    ds["purity_sd"][:] = np.nan
    ds["cluster"] = ("mutation", np.repeat(np.arange(CLONES) + 1, MEMBERS))
    settings = settings_of(spec, ds, True, {"draws": DRAWS})
    plan, drawn = make_plan(ds, spec, settings | {"fixed_clusters": True}), []
    for branch in seed.spawn(settings["chains"]):
        chain = Chain(plan, branch)
        while chain.done < plan.sweeps:
            chain.step()
        drawn += chain.records.parent
    return np.array(drawn)


def relations(parents: np.ndarray) -> Relations:
    """Share of the trees [D, K] in which one clone is the parent (the root's row included), and the ancestor."""
    even = np.full(len(parents), 1.0 / len(parents))
    parent, ancestor = parent_weights(parents, even), ancestor_weights(parents, even)[1:]
    others = ~np.eye(CLONES, dtype=bool)
    return {"parent": np.append(parent[0], parent[1:][others]), "ancestor": ancestor[others]}


def possible(parents: np.ndarray, prevalence: np.ndarray) -> np.ndarray:
    """Which trees [D, K] the true prevalences do not rule out: children sum to their parent and ROOM at most."""
    whole = np.vstack([np.ones((1, prevalence.shape[1])), prevalence])
    below = np.zeros((len(parents), *whole.shape))
    np.add.at(below, (np.arange(len(parents))[:, None], parents), prevalence)
    return (below <= whole + ROOM).all(axis=(1, 2))


def table(world: str, samples: int, said: list[Relations], true: list[Relations]) -> pd.DataFrame:
    """One line a relation and bin: relations, their mean probability, how many are true, the gap's standard error."""
    rows = []
    for relation in ("parent", "ancestor"):
        p, t = (np.array([one[relation] for one in each]) for each in (said, true))
        bins = np.clip(np.searchsorted(EDGES, p, "left") - 1, 0, len(EDGES) - 2)
        for b in range(len(EDGES) - 1):
            inside = bins == b
            n = int(inside.sum())
            if n == 0:
                continue
            gaps = np.where(inside, t - p, 0.0).sum(axis=1)
            rows.append(
                {
                    "world": world, "samples": samples, "relation": relation,
                    "from": EDGES[b], "to": EDGES[b + 1], "relations": n,
                    "said": p[inside].mean(), "true": t[inside].mean(),
                    "gap": gaps.sum() / n, "error": np.sqrt(np.var(gaps, ddof=1) * len(gaps)) / n,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def faults(rows: pd.DataFrame) -> pd.DataFrame:
    """The bins that break the rule."""
    off = (rows["gap"].abs() > ERRORS * rows["error"]) & (rows["gap"].abs() > OFF) & (rows["relations"] >= ENOUGH)
    overstated = (rows["from"] >= 0.9) & (rows["gap"] < -OVERSTATED)
    return rows[np.where(rows["world"] == "model", off, overstated)]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--patients", type=int, default=100, help="of each world and number of samples")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    spec, tables, masses = specs.load("tree"), [], []
    for world in WORLDS:
        for samples in (1, 3):
            said, true, fits, exact, started = [], [], [], [], time.process_time()
            for seed in np.random.SeedSequence([31, WORLDS.index(world), samples]).spawn(options.patients):
                first, second = seed.spawn(2)
                patient = draw_patient(world, samples, spec, np.random.default_rng(first))
                drawn = draws_of(patient, spec, second)
                said.append(relations(drawn))
                true.append(relations(patient.parent[None]))
                fits.append(float(possible(drawn, patient.prevalence).mean()))
                exact.append(float((drawn == patient.parent).all(axis=1).mean()))
            tables.append(table(world, samples, said, true))
            masses.append(
                {
                    "world": world, "samples": samples, "patients": options.patients,
                    "on_possible_trees": np.mean(fits), "on_the_true_tree": np.mean(exact),
                    "cpu_s_each": (time.process_time() - started) / options.patients,
                }
            )  # fmt: skip
            print(masses[-1], flush=True)
    rows = pd.concat(tables)
    options.out.mkdir(exist_ok=True)
    rows.to_csv(options.out / "trees_reliability.tsv", sep="\t", index=False, float_format="%.4g")
    mass = pd.DataFrame(masses)
    mass.to_csv(options.out / "trees_reliability_mass.tsv", sep="\t", index=False, float_format="%.4g")
    wrong = faults(rows)
    print(rows.to_string(index=False, float_format="%.3f"))
    print(f"{len(wrong)} bins break the rule\n{wrong.to_string(index=False)}")
    return 1 if len(wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
