"""Simulation-based calibration of the joint model: exposures, profiles and gates, with clones and tree inferred.

    python validation/sbc_joint.py [--setting NAME] [--simulations N] [--minutes M] [--seed S] [--quick] [--broken ...]

A patient is drawn from the tree model, the signature part from its prior given the clones' presence (three made
profiles, the second a treatment's whose gate is closed for clones of the first sample: `tests/joint_geweke.py`), and a
context for every mutation but one. A chain of the joint model is run on reads and contexts, as `fit` runs it, and the
truth is ranked among 99 draws, as in `sbc.py`; the rule of acceptance is that one's. Two of what is ranked are log
probabilities, which see most of what can be wrong with a conditional (Modrak et al. 2023, Bayesian Analysis): of the
gates given presence, and of the contexts. With ``--broken`` the same with one update made wrong at a time, which the
rule must refuse: forgotten gates in the setting `late`, where the gates of all clones are closed and the prior has the
drug in most clones were they open. Elsewhere most ranks of what forgetting changes are ties: clones of the first sample
are few, and a drug that is nowhere is soon thought to be little used.

Tables, written anew every ten simulations: `results/sbc_joint.tsv` (`_called`, `_late`, `_broken`), and the ranks
themselves, `sbc_joint_ranks.tsv` (`_called`, `_late`). Column `z` is the mean over the simulations of the truth's
distance from the mean of its draws, over its standard error: no part of the rule, it shows the direction without ties
broken at random. It needs no independent draws: `--quick` is for it alone. Of what is nearly always 0 it says little.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests"), str(HERE)]

import sbc  # noqa: E402
from joint_geweke import NAMES, draw_contexts, draw_signatures, signature_values, signatures_of  # noqa: E402

from clonalbayes import specs  # noqa: E402
from clonalbayes.genotypes import compile_priors, compile_reads  # noqa: E402
from clonalbayes.inference import chain as chains  # noqa: E402
from clonalbayes.kernels.state import State, new_state  # noqa: E402
from clonalbayes.signatures import joint  # noqa: E402
from clonalbayes.signatures import kernels as updates  # noqa: E402
from clonalbayes.signatures.joint import Signatures  # noqa: E402
from clonalbayes.simulate import Design, Simulation, simulate_prior  # noqa: E402


@dataclass(frozen=True)
class Setting:
    """A name for tables, a design, the day on which the drug is given, and the prior of its use where gates are open.

    The samples are of days 0 and 5.
    """

    name: str
    design: Design
    begins: float = 1.0
    use: tuple[float, float] = (1.0, 2.0)


ALL = Design(n_mutations=60, n_samples=2, depth=40, min_alt=0)
SETTINGS: dict[str, Setting] = {
    "all": Setting("joint", ALL),
    "called": Setting("joint, called by one read", Design(n_mutations=30, n_samples=2, depth=40, min_alt=1)),
    "late": Setting("joint, drug after all samples", ALL, 6.0, (8.0, 2.0)),
}
"""With every mutation in the table; with those that one read shows; with the drug's gate closed for all clones, and the
drug in most of them were it open."""

TUNE, THIN, MAX_STRIDE = 250, 12, 8

DRUG = NAMES.index("drug")


@dataclass
class Ranked(sbc.Ranked):
    """One simulation, with the truth's distance from the mean of the draws of each quantity."""

    distances: dict[str, float] = field(default_factory=dict)


def values_of(part: Signatures, s: State) -> dict[str, float]:
    """What is ranked."""
    clones, row = int(s.n_clones[0]), int(s.z[0])
    values = signature_values(part, s)
    values |= {"log probability of gates": log_gates(part, s), "log probability of contexts": log_contexts(part, s)}
    return {
        "clones": float(clones), "noise": float((s.z == -1).sum()),
        "clones in the first sample": float((s.presence[:clones, 0] != 0).sum()),
        "first one's prevalence": float(s.ccf[row, 0]) if row >= 0 else 0.0,
    } | values  # fmt: skip


def log_gates(part: Signatures, s: State) -> float:
    """Log probability that the drug is on in the clones where it is, and off in the others, given presence."""
    clones = int(s.n_clones[0])
    chance = np.where(part.closed(s.presence[:clones])[:, DRUG], part.model.leak, s.use[DRUG])
    on = s.intensity[s.tag[:clones], DRUG] > 0
    return float(np.log(np.where(on, chance, 1.0 - chance)).sum())


def log_contexts(part: Signatures, s: State) -> float:
    """Log probability of all contexts."""
    rate = np.concatenate([s.intensity[s.tag[: int(s.n_clones[0])]] @ s.weight, s.spectrum])
    return float((joint.counts_of(part, s) * np.log(rate / rate.sum(1, keepdims=True))).sum())


def true_state(simulation: Simulation, blank: State, order: np.ndarray) -> State:
    """A simulation's clones as a chain's state, in the kernels' order of mutations; no exposures yet."""
    truth = simulation.truth
    clones = len(truth.ccf)
    blank.z[:], blank.n_clones[0] = truth.assignment[order], clones
    blank.presence[:clones] = truth.presence
    blank.ccf[:clones] = truth.ccf * truth.parameters["purity"]
    return blank


def run_one(number: int, setting: Setting = SETTINGS["all"]) -> Ranked:
    """Simulate a patient, run a chain, rank the truth."""
    started = time.process_time()
    seeds = np.random.SeedSequence([sbc.SEED, 77, number]).spawn(3)
    spec = specs.load("joint")
    simulation = simulate_prior(setting.design, spec, seed=seeds[0])
    reads = compile_reads(simulation.dataset, spec)
    part, rng = signatures_of(setting.design.n_mutations), np.random.default_rng(seeds[2])
    part.begins[DRUG], part.model.use_prior[:, DRUG] = setting.begins, setting.use
    capacity = chains.room_for(len(reads.order), int(spec.constant("max_clones")), None)
    truth = true_state(simulation, new_state(reads.data, capacity, len(part.names)), reads.order)
    draw_signatures(part, truth, rng)
    draw_contexts(part, truth, rng)
    reads = replace(reads, data=reads.data._replace(context=part.context))
    plan = chains.Plan(
        reads, compile_priors(simulation.dataset, spec), TUNE, sbc.DRAWS * MAX_STRIDE, THIN, capacity, signatures=part
    )
    draws, sizes = follow(chains.Chain(plan, seeds[1]), part)
    values = values_of(part, truth)
    distances = {name: value - float(draws[name].mean()) for name, value in values.items()}
    seconds = time.process_time() - started
    return Ranked(setting.name, sbc.rank_all(values, draws, rng), sizes, seconds, distances=distances)


def follow(chain: chains.Chain, part: Signatures) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Draws of what is ranked, longer apart until they are nearly independent; their effective sizes."""
    rows: list[dict[str, float]] = []
    stride = 1
    while True:
        while len(rows) < sbc.DRAWS * stride:
            chain.step()
            if chain.done > TUNE and chain.done % THIN == 0:
                rows.append(values_of(part, chain.state))
        kept = pd.DataFrame(rows[stride - 1 : sbc.DRAWS * stride : stride])
        draws = {str(name): kept[name].to_numpy() for name in kept}
        sizes = {name: sbc.effective_size(values) for name, values in draws.items()}
        if stride == MAX_STRIDE or min(sizes.values()) >= sbc.ENOUGH:
            return draws, sizes
        stride *= 2


def collect(simulations: int, minutes: float, path: Path, setting: Setting, **columns: Any) -> pd.DataFrame:
    """Run simulations, for `minutes` at most; their tests, which are written to `path` every ten simulations."""
    ranked: list[Ranked] = []
    end = time.monotonic() + 60.0 * minutes
    for number in range(simulations):
        ranked.append(run_one(number, setting))
        last = number == simulations - 1 or time.monotonic() > end
        if last or len(ranked) % 10 == 0:
            tests = tests_of(ranked).assign(**columns)
            sbc.write(tests, path)
            if not columns and MAX_STRIDE > 1:
                ranks = pd.DataFrame([{"setting": one.setting, **one.ranks} for one in ranked])
                sbc.write(ranks, path.with_name(path.name.replace("joint", "joint_ranks")))
            used = sum(one.seconds for one in ranked)
            print(f"{len(ranked)} simulations, {used:.0f} CPU s, {sbc.verdict(tests)[1]}", file=sys.stderr, flush=True)
        if last:
            break
    return tests


def tests_of(ranked: list[Ranked]) -> pd.DataFrame:
    """The tests of `sbc.table`, and the mean distance of the truth from its draws in standard errors."""
    tests = sbc.table(ranked)
    distance = pd.DataFrame([one.distances for one in ranked])[tests["quantity"]]
    error = distance.std() / np.sqrt(len(ranked))
    return tests.assign(z=(distance.mean() / error.where(error > 0)).to_numpy())


def tripled(state: Any, model: Any, rng: np.random.Generator) -> None:
    """Intensities as if every mutation had been seen three times."""
    kept, state.by_branch = state.by_branch, state.by_branch * 3
    original_theta(state, model, rng)
    state.by_branch = kept


def without_gates(part: Signatures, *rest: Any) -> None:
    """An update of the exposures that forgets the gates."""
    original_update(replace(part, begins=part.begins - 1e6), *rest)
    joint.refresh(part, *rest[:2])


def without_profiles(state: Any, model: Any, rng: np.random.Generator) -> None:
    """Profiles drawn as if no mutation had been made by them."""
    kept, state.by_context = state.by_context, state.by_context * 0
    original_profiles(state, model, rng)
    state.by_context = kept


original_theta, original_profiles, original_update = updates.draw_theta, updates.draw_profiles, joint.update

BROKEN: dict[str, tuple[Any, str, Callable[..., None], str]] = {
    "every mutation seen three times": (updates, "draw_theta", tripled, "all"),
    "profiles without their mutations": (updates, "draw_profiles", without_profiles, "all"),
    "exposures that forget the gates": (joint, "update", without_gates, "late"),
}
"""What is made wrong -> where, what is put there, and the setting that is to show it."""


@contextmanager
def broken(name: str) -> Iterator[None]:
    """Put a wrong update in its place for a while."""
    place, what, wrong, _ = BROKEN[name]
    kept = getattr(place, what)
    setattr(place, what, wrong)
    yield
    setattr(place, what, kept)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=150)
    parser.add_argument("--minutes", type=float, default=np.inf, help="begin no simulation after that, in each run")
    parser.add_argument("--broken", nargs="*", choices=BROKEN, metavar="NAME", help="run broken updates, all or some")
    parser.add_argument("--setting", choices=SETTINGS, default="all", help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="short chains: for z alone; no ranks are written")
    parser.add_argument("--out", type=Path, default=sbc.RESULTS)
    parser.add_argument("--seed", type=int, default=sbc.SEED, help="another one for a replicate (default: %(default)s)")
    options = parser.parse_args()
    sbc.SEED = options.seed
    if options.quick:
        globals().update(THIN=THIN // 2, MAX_STRIDE=1)
    if options.broken is None:
        end = ("" if options.setting == "all" else f"_{options.setting}") + "_quick" * options.quick
        path = options.out / f"sbc_joint{end}.tsv"
        tests = collect(options.simulations, options.minutes, path, SETTINGS[options.setting])
        passed, text = sbc.verdict(tests)
        print(tests.to_string(index=False, float_format="%.3g"))
        print(f"{'passed' if passed else 'FAILED'}: {text}")
        return 0 if passed else 1
    missed = 0
    for name in options.broken or BROKEN:
        path, whole = options.out / "sbc_joint_broken_part.tsv", options.out / "sbc_joint_broken.tsv"
        with broken(name):
            tests = collect(options.simulations, options.minutes, path, SETTINGS[BROKEN[name][3]], broken=name)
        caught = sbc.smallest(tests) < sbc.LEVEL
        missed += not caught
        print(f"{'refused' if caught else 'NOT REFUSED'}: {name}: {sbc.verdict(tests)[1]}", flush=True)
        tests = tests.assign(refused=caught)
        if whole.is_file():
            others = pd.read_csv(whole, sep="\t")
            tests = pd.concat([others[others["broken"] != name], tests])
        sbc.write(tests, whole)
        path.unlink()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
