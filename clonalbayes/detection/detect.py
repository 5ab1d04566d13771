"""Detection of clades in samples: every step from reads to presence, size and limit of detection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clonalbayes import specs
from clonalbayes.detection.inputs import DROP, KEEP, MIX, SampleReads, clades_of, reads_of
from clonalbayes.detection.joint import Joint, SharedPriors, solve
from clonalbayes.detection.likelihood import Likelihood, SampleSites
from clonalbayes.detection.noise_test import Assumptions, NoiseTest, make_test
from clonalbayes.detection.single_rate import single_rate_test
from clonalbayes.detection.size import SizeProfile, size_scales
from clonalbayes.errors.classes import classes_of
from clonalbayes.errors.factors import Control, Factor
from clonalbayes.errors.model import ErrorModel, learn_errors
from clonalbayes.faults import fail
from clonalbayes.specs import Spec

if TYPE_CHECKING:
    import pandas as pd

    from clonalbayes.data.counts import CountTable
    from clonalbayes.errors.rates import SiteRates

SURE = 0.95
"""Probability from which a verdict speaks of present, absent or contaminated."""


@dataclass
class Detection:
    """The answer: one row a clade and sample.

    Parameters
    ----------
    rows
        Column -> value, see `docs/errors-and-detection.md`.
    joint
        What clades and samples share, contamination.
    notes
        What a user should know.
    """

    rows: list[dict[str, Any]]
    joint: Joint
    notes: list[str]

    def __repr__(self) -> str:
        """Say how much was looked at."""
        return f"<Detection: {len(self.rows)} clades x samples>"

    def frame(self) -> pd.DataFrame:
        """The rows as a table."""
        import pandas as pd

        return pd.DataFrame(self.rows)


def detect(
    sites: CountTable,
    counts: Sequence[CountTable],
    model: ErrorModel | None = None,
    *,
    controls: Sequence[str] | None = None,
    purity: Mapping[str, float] | float | None = None,
    lost: str = DROP,
    spec: str | Path | Spec = "detection",
    limits: bool = True,
) -> Detection:
    """Look for clades in samples.

    Parameters
    ----------
    sites : CountTable
        The sites that define the clades (`clonalbayes.data.counts.read_sites`).
    counts : sequence of CountTable
        Counts of all samples, at these sites and at the controls.
    model : ErrorModel, optional
        Of a panel of normals. Without one it is learned from the control sites of all samples.
    controls : sequence of str, optional
        Sites that no sample can carry; each sample's error factor is learned from them. None: only from third
        alleles at the sites themselves, where these were counted and the panel has them.
    purity : mapping or float, optional
        Tumour cells / all cells, by sample or of all.
    lost : str
        What to do with sites that copy number may have removed: drop, mixture or keep.
    spec : str, Path or Spec
        Specification of the family `detection`.
    limits : bool
        Whether to compute limits of detection.

    Returns
    -------
    Detection

    Raises
    ------
    InputError
        If sites or samples do not fit, or there is neither a panel nor a control.
    """
    spec = specs.load(spec, "detection")
    notes: list[str] = []
    samples = reads_of(sites.mutations, counts, purity)
    control_reads, control_ids = _control_reads(sites, counts, controls)
    if model is None:
        model = _own_model(control_reads, control_ids, counts, notes)
    classes = classes_of(sites.text("ref"), sites.text("alt"), sites.text("context"))
    rates = model.site_rates(sites.mutations, classes)
    unknown = int((model.place(sites.mutations) < 0).sum())
    if unknown:
        notes.append(f"{unknown} of {len(sites.mutations)} sites are not in the panel: their rates are their class's")
    control_rates = model.site_rates(control_ids, _classes_in(control_ids, counts)) if len(control_ids) else None
    groups = clades_of(sites)
    found = []
    for number, sample in enumerate(samples):
        control = _control(model, sites, rates, sample, control_rates, control_reads, number)
        if not control.expected:
            notes.append(f"{sample.name}: no control bases, its error factor is known no better than between batches")
        found.append(_Worked(sample, groups, rates, control, model.factor_sd, spec, lost))
    priors = _shared_priors(spec)
    joint = solve([work.profiles for work in found], [work.sample.run for work in found], priors)
    single = {clade: model.pooled_rate(sites.mutations[rows]) for clade, rows in groups.items()}
    return Detection(_rows(found, joint, single, priors.scales, spec if limits else None), joint, notes)


def _shared_priors(spec: Spec) -> SharedPriors:
    """Take what clades and samples share from a specification."""
    return SharedPriors(
        spec.value("clade_present", "alpha"),
        spec.value("clade_present", "beta"),
        size_scales(spec.value("size_scale", "lower"), spec.value("size_scale", "upper")),
        spec.value("contaminated", "p"),
        (spec.value("contamination", "lower"), spec.value("contamination", "upper")),
    )


def _rows(
    found: list[_Worked], joint: Joint, single: Mapping[str, float], scales: np.ndarray, spec: Spec | None
) -> list[dict[str, Any]]:
    """One row a clade and sample; `single` is the single rate of each clade, limits need a specification."""
    names = [work.sample.name for work in found]
    rows = []
    for k, (clade, rate) in enumerate(single.items()):
        for s, work in enumerate(found):
            row = {"clade": clade, "sample": names[s]} | work.row(k, rate, scales, spec)
            row |= _from_joint(joint, k, s, names)
            rows.append(row | {"verdict": verdict(row)})
    return rows


class _Worked:
    """One sample with everything that is computed of it alone.

    Parameters
    ----------
    sample : SampleReads
        Its reads at all sites.
    groups : dict
        Clade -> rows.
    rates : SiteRates
        Of all sites.
    control : Control
        Of the sample.
    tau : float
        Standard deviation of the log factor without control bases.
    spec : Spec
        Of the family `detection`.
    lost : str
        What to do with sites that copy number may have removed.
    """

    def __init__(
        self,
        sample: SampleReads,
        groups: Mapping[str, np.ndarray],
        rates: SiteRates,
        control: Control,
        tau: float,
        spec: Spec,
        lost: str,
    ) -> None:
        self.sample, self.control, self.rows = sample, control, list(groups.values())
        assumed, loss = Assumptions.of(spec, tau), spec.constant("loss")
        self.used = [rows[_usable(sample, rows, lost)] for rows in self.rows]
        self.sites = [_sites(sample, rows, rates, loss if lost == MIX else 0.0) for rows in self.used]
        factor: Factor | None = None
        if len(self.sites) > 1:  # the clades of a sample share its factor
            union = np.unique(np.concatenate(self.used))
            factor = make_test(_sites(sample, union, rates, 0.0), control, assumed).factor
        self.tests = [make_test(part, control, assumed, factor) for part in self.sites]
        self.factor = self.tests[0].factor
        self.profiles = [
            SizeProfile.of(Likelihood(part, test.factor.factors, assumed.outlier, test.law), test.factor.weights)
            for part, test in zip(self.sites, self.tests, strict=True)
        ]

    def row(self, k: int, rate: float, scales: np.ndarray, spec: Spec | None) -> dict[str, Any]:
        """Everything about one clade that needs no other sample."""
        part, test = self.sites[k], self.tests[k]
        alt, depth = int(part.alt.sum()), int(part.depth.sum())
        gain = part.exposure / depth if depth else 0.5
        mean, low, high = self.profiles[k].interval()
        limit = test.limit(spec.constant("level"), spec.constant("power")) if spec and depth else float("nan")
        single = single_rate_test(alt, depth, rate) if rate == rate else None
        rows = self.rows[k]
        covered = self.sample.depth[rows] > 0
        return {
            "n_sites": len(part.alt),
            "n_left_out": int(covered.sum()) - len(part.alt),
            "n_uncovered": int((~covered).sum()),
            "alt_count": alt,
            "depth": depth,
            "noise_expected": float(part.expected_noise * self.factor.mean),
            **_about_factor(test, self.control),
            "p_value": test.p_value() if depth else 1.0,
            "log10_bayes_factor": self.profiles[k].log_bayes_factor(scales) / np.log(10.0),
            **{f"vaf_{key}": v * gain for key, v in (("mean", mean), ("lo", low), ("hi", high))},
            **{f"prevalence_{key}": v for key, v in (("mean", mean), ("lo", low), ("hi", high))},
            "lod_vaf": limit * gain,
            "lod_prevalence": limit,
            "single_rate": rate,
            "single_rate_p": single.p_value if single else float("nan"),
            "single_rate_lo": single.low if single else float("nan"),
            "single_rate_hi": single.high if single else float("nan"),
        }


def _about_factor(test: NoiseTest, control: Control) -> dict[str, float]:
    """What is known of a sample's error factor."""
    return {
        "error_factor": test.factor.mean,
        "error_factor_lo": test.factor.quantile(0.025),
        "error_factor_hi": test.factor.quantile(0.975),
        "control_alt": control.alt,
        "control_expected": control.expected,
    }


def _usable(sample: SampleReads, rows: np.ndarray, lost: str) -> np.ndarray:
    """Which sites of a clade say something: covered, not lost, and not at risk where those are left out."""
    good = (sample.depth[rows] > 0) & (sample.gain[rows] > 0)
    return good & ~sample.at_risk[rows] if lost == DROP else good


def _sites(sample: SampleReads, rows: np.ndarray, rates: SiteRates, loss: float) -> SampleSites:
    """One sample's reads at some sites, as the likelihood wants them."""
    risk = np.where(sample.at_risk[rows], loss, 0.0)
    parts = sample.alt[rows], sample.depth[rows], sample.gain[rows]
    return SampleSites(*parts, rates.take(rows), risk if risk.any() else None)


def _control_reads(
    sites: CountTable, counts: Sequence[CountTable], controls: Sequence[str] | None
) -> tuple[list[SampleReads], np.ndarray]:
    """Reads of all samples at the control sites, and their identifiers."""
    if controls is None:
        return [], np.zeros(0, object)
    wanted = dict.fromkeys(str(name) for name in controls)
    both = [name for name in sites.mutations if str(name) in wanted]
    if both:
        remedy = "A site cannot define a clade and be one that no sample carries: take it out of one list."
        raise fail("--controls", f"{len(both)} control sites are sites of the clades", remedy, value=str(both[0]))
    names = np.array(list(wanted), object)
    if not len(names):
        raise fail("--controls", "the list of control sites is empty", "Give sites that no sample carries.")
    return reads_of(names, counts), names


def _own_model(
    reads: list[SampleReads], names: np.ndarray, counts: Sequence[CountTable], notes: list[str]
) -> ErrorModel:
    """Learn the error model from the control sites of the samples themselves."""
    if not reads:
        remedy = "Give --errors MODEL, --panel COUNTS, or --controls SITES."
        raise fail("--errors", "there is neither a panel of normals nor a list of control sites", remedy)
    alt, depth = (np.stack([getattr(sample, key) for sample in reads], 1) for key in ("alt", "depth"))
    notes.append(f"no panel: errors are learned from {len(names)} control sites of the {len(reads)} samples themselves")
    return learn_errors(alt, depth, _classes_in(names, counts), sites=names, source="control sites")


def _classes_in(names: np.ndarray, counts: Sequence[CountTable]) -> np.ndarray:
    """Classes of sites as the count tables describe them."""
    known: dict[str, str] = {}
    for table in counts:
        classes = classes_of(table.text("ref"), table.text("alt"), table.text("context"))
        known |= dict(zip((str(m) for m in table.mutations), classes.tolist(), strict=True))
    return np.array([known.get(str(name), "unknown") for name in names], object)


def _control(
    model: ErrorModel,
    sites: CountTable,
    rates: SiteRates,
    sample: SampleReads,
    control_rates: SiteRates | None,
    control_reads: list[SampleReads],
    number: int,
) -> Control:
    """Control of one sample: its control sites, else third alleles at the sites themselves."""
    if control_rates is not None:
        reads = control_reads[number]
        return model.control(control_rates, reads.alt, reads.depth)
    third = sample.other >= 0
    if not third.any():
        return Control()
    return model.other_control(sites.mutations[third], sample.other[third], sample.depth[third])


def _from_joint(joint: Joint, k: int, s: int, names: list[str]) -> dict[str, Any]:
    """What the joint posterior says of one clade in one sample."""
    donor = int(joint.donor[s])
    return {
        "p_present": float(joint.present[k, s]),
        "p_absent": float(joint.absent[k, s]),
        "p_contaminated": float(joint.contaminated[s]),
        "contaminated_by": names[donor] if donor >= 0 else "",
        "contaminating_share": float(joint.share[s]),
    }


def verdict(row: Mapping[str, Any]) -> str:
    """Say in words what a row means.

    Examples
    --------
    >>> verdict({"depth": 100, "p_present": 0.999, "p_absent": 0.001, "p_contaminated": 0.0})
    'present'
    """
    if not row["depth"]:
        return "no reads"
    for key, word in (
        ("p_present", "present"),
        ("p_absent", "absent or too small"),
        ("p_contaminated", "contamination"),
    ):
        if row[key] >= SURE:
            return word
    return "present or contamination" if row["p_absent"] < 1.0 - SURE else "undecided"


__all__ = ["DROP", "KEEP", "MIX", "Detection", "detect", "verdict"]
