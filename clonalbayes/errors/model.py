"""The error model of a panel: learned once, saved as JSON, used for any sample.

>>> import numpy as np
>>> rng = np.random.default_rng(1)
>>> alt = rng.binomial(40, 2e-4, (500, 8))
>>> model = learn_errors(alt, np.full((500, 8), 40))
>>> bool(1e-4 < model.site_rates().mean.mean() < 4e-4)
True
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clonalbayes import specs
from clonalbayes.errors import store
from clonalbayes.errors.classes import UNKNOWN, classes_of, codes_of, parent_of
from clonalbayes.errors.factors import Control
from clonalbayes.errors.hierarchy import ClassPriors
from clonalbayes.errors.learn import HyperPriors, Node, learn
from clonalbayes.errors.panel import Evidence, Panel, evidence
from clonalbayes.errors.rates import SiteRates, site_rates
from clonalbayes.errors.unlike import learn_class_spread, learn_other_spread
from clonalbayes.specs import Spec

if TYPE_CHECKING:
    from clonalbayes.data.counts import CountTable

UNLIKE = 0.15
"""How unlike errors of other classes are in a model that does not say: the prior's scale."""


@dataclass
class ErrorModel:
    """What a panel says about errors.

    Parameters
    ----------
    classes
        Names of the classes that the panel has.
    nodes
        Hyperparameters with their posterior weights.
    sites
        [I] identifiers of the panel's sites.
    site_classes
        [I] class of each, index into `classes`.
    data
        Precision -> what the panel says about its sites.
    sample_sd
        Standard deviation of the log factor among the panel's samples.
    batch_sd
        Standard deviation of the log factor between batches.
    alt, depth
        [I] reads of each site in all normals.
    other
        [I] reads of third alleles in all normals; None if they were not counted.
    about
        Where it comes from, for the record.
    class_spread, other_spread
        Standard deviation of the log by which errors of one class, and errors and third alleles at the same
        sites, differ in one sample (`clonalbayes.errors.unlike`).
    """

    classes: list[str]
    nodes: list[Node]
    sites: np.ndarray
    site_classes: np.ndarray
    data: dict[float, Evidence]
    sample_sd: float
    batch_sd: float
    alt: np.ndarray
    depth: np.ndarray
    other: np.ndarray | None
    about: dict[str, object]
    class_spread: float = UNLIKE
    other_spread: float = UNLIKE

    def __repr__(self) -> str:
        """Say how much it was learned from."""
        return (
            f"<ErrorModel: {len(self.sites)} sites, {len(self.classes)} classes, {self.about.get('normals')} normals>"
        )

    @property
    def factor_sd(self) -> float:
        """Standard deviation of the log factor of a new sample without control bases."""
        return float(np.hypot(self.sample_sd, self.batch_sd))

    def place(self, sites: np.ndarray) -> np.ndarray:
        """Return the panel's row of each site, -1 for one that it does not have."""
        rows = {str(name): row for row, name in enumerate(self.sites)}
        return np.array([rows.get(str(name), -1) for name in sites], np.int64)

    def site_rates(self, sites: np.ndarray | None = None, classes: np.ndarray | None = None) -> SiteRates:
        """Posterior of the error rates of some sites.

        Parameters
        ----------
        sites : numpy.ndarray, optional
            Identifiers; the panel's own by default. A site that the panel does not have is drawn from its class.
        classes : numpy.ndarray, optional
            Their classes (`clonalbayes.errors.classes`), for those that the panel does not have.

        Returns
        -------
        SiteRates
        """
        if sites is None:
            return site_rates(self.nodes, self.site_classes, self.data, len(self.sites))
        rows = self.place(sites)
        codes = self._codes(rows, classes)
        known = np.flatnonzero(rows >= 0)
        data = {s: _spread(found.take(rows[known]), known, len(rows)) for s, found in self.data.items()}
        return site_rates(self.nodes, codes, data, len(rows))

    def typical_rates(self, number: int) -> SiteRates:
        """Rates of sites that are not known yet: drawn from the panel's classes as often as they occur."""
        codes = np.sort(np.resize(self.site_classes, number)) if len(self.site_classes) else np.zeros(number, int)
        return site_rates(self.nodes, codes, None, number)

    def pooled_rate(self, sites: np.ndarray | None = None) -> float:
        """Alt reads over reads of the panel at some sites: the one rate of a test without this model."""
        rows = np.arange(len(self.sites)) if sites is None else self.place(sites)
        rows = rows[rows >= 0]
        depth = int(self.depth[rows].sum())
        return float(self.alt[rows].sum() / depth) if depth else float("nan")

    def _codes(self, rows: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
        """Class of each site: the panel's; else its own if the panel has that; else that of a new class."""
        place = {name: n for n, name in enumerate(self.classes)}
        other = len(self.classes) if len(self.classes) > 1 else 0
        given = np.full(len(rows), UNKNOWN, object) if classes is None else classes
        named = np.array([place.get(str(c), place.get(parent_of(str(c)), other)) for c in given], np.int64)
        if not len(self.site_classes):
            return named
        return np.where(rows >= 0, self.site_classes[np.maximum(rows, 0)], named)

    def control(self, rates: SiteRates, alt: np.ndarray, depth: np.ndarray) -> Control:
        """Make the control of a sample from its reads at sites that it cannot carry.

        Parameters
        ----------
        rates : SiteRates
            Of those sites.
        alt, depth : numpy.ndarray
            [I] reads. Sites with many more alt reads than errors make are left out: the sample carries them.
        """
        fine = (depth > 0) & ~((alt >= 3) & (alt > 0.05 * depth))
        mean, n = rates.mean[fine], depth[fine].astype(float)
        expected = float(mean @ n)
        variance = float(rates.variance[fine] @ n**2) + (rates.common_cv(np.where(fine, depth, 0)) * expected) ** 2
        shape = expected**2 / max(variance, 1e-300)
        shares = rates.by_class(np.where(fine, depth, 0))
        return Control(float(alt[fine].sum()), expected, shape, rates.dispersion(n), self.class_spread, shares)

    def other_control(self, sites: np.ndarray, other: np.ndarray, depth: np.ndarray) -> Control:
        """Make the control of a sample from third alleles at the sites of interest: they are errors all.

        Parameters
        ----------
        sites : numpy.ndarray
            [I] identifiers.
        other, depth : numpy.ndarray
            [I] reads with a third allele, and all reads.
        """
        if self.other is None:
            return Control()
        rows = self.place(sites)
        panel, n = self.other[rows], self.depth[rows]
        fine = (rows >= 0) & (depth > 0) & (n > 0) & (other <= 0.05 * depth + 2) & (panel <= 0.01 * n + 3)
        if not fine.any():
            return Control()
        totals = (int(part[fine].sum()) for part in (other, depth, panel, n))
        return replace(Control.from_totals(*totals), spread=self.other_spread)

    def save(self, path: str | Path) -> None:
        """Write the model as JSON (packed if the name ends in ``.gz``), whole or not at all."""
        store.save(self, Path(path))

    @staticmethod
    def load(path: str | Path) -> ErrorModel:
        """Read a model that `save` wrote.

        Raises
        ------
        InputError
            If the file is not one.
        """
        return ErrorModel(**store.load(Path(path)))


def learn_errors(
    alt: np.ndarray,
    depth: np.ndarray,
    classes: np.ndarray | None = None,
    *,
    sites: np.ndarray | None = None,
    other: np.ndarray | None = None,
    spec: str | Path | Spec = "errors",
    source: str = "",
) -> ErrorModel:
    """Learn the error model from counts of a panel.

    Parameters
    ----------
    alt, depth : numpy.ndarray
        [I, J] alt reads and reads of J normals at I sites; -1 is missing.
    classes : numpy.ndarray, optional
        [I] class of each site; one class for all by default.
    sites : numpy.ndarray, optional
        [I] identifiers; numbers by default.
    other : numpy.ndarray, optional
        [I, J] reads with a third allele.
    spec : str, Path or Spec
        Specification of the family `errors`.
    source : str
        Name of the file, for the record.

    Returns
    -------
    ErrorModel

    Raises
    ------
    ValueError
        If there is no read.
    """
    spec = specs.load(spec, "errors")
    missing = (alt < 0) | (depth < 0)
    alt, depth = np.where(missing, 0, alt).astype(np.int64), np.where(missing, 0, depth).astype(np.int64)
    if not depth.sum():
        raise ValueError("the panel has no reads")
    classes = np.full(len(alt), UNKNOWN, object) if classes is None else classes
    sites = np.arange(len(alt)).astype(str) if sites is None else sites
    limits = spec.constant("carried_vaf"), int(spec.constant("carried_reads"))
    panel = Panel(alt, depth, limits)
    names, codes, _, parents = codes_of(classes)
    nodes = learn(panel, codes, parents, hyper_priors(spec))
    known = other is not None and bool((other >= 0).any())
    third = np.where(other < 0, 0, other) if known and other is not None else None
    scale = spec.value("class_factor", "scale")
    about = {"normals": alt.shape[1], "sites": len(alt), "carried": panel.n_carried, "source": source}
    about |= {"reads": int(panel.depth.sum()), "alt": int(panel.alt.sum()), "spec": spec.name, "digest": spec.digest}
    return ErrorModel(
        classes=names,
        nodes=nodes,
        sites=np.asarray(sites, object),
        site_classes=codes,
        data={node.precision: evidence(panel, node.precision) for node in nodes},
        sample_sd=panel.factor_sd,
        batch_sd=spec.value("batch_factor", "sigma"),
        alt=panel.alt.sum(1),
        depth=panel.depth.sum(1),
        other=None if third is None else third.sum(1),
        about=about,
        class_spread=learn_class_spread(panel.alt, panel.depth, codes, scale),
        other_spread=scale if third is None else learn_other_spread(panel.alt, panel.depth, third, scale),
    )


def learn_from_table(table: CountTable, spec: str | Path | Spec = "errors") -> ErrorModel:
    """Learn the error model from the long table of a panel's counts."""
    from clonalbayes.faults import fail

    if not (table.depth > 0).any():
        raise fail(table.name, "no site has reads in any normal", "Count the panel again, at the patient's sites.")
    classes = classes_of(table.text("ref"), table.text("alt"), table.text("context"))
    other = table.numbers.get("other_count")
    counted = None if other is None else np.where(np.isnan(other), -1, other).astype(np.int64)
    return learn_errors(
        table.alt, table.depth, classes, sites=table.mutations, other=counted, spec=spec, source=table.name
    )


def hyper_priors(spec: Spec) -> HyperPriors:
    """The priors of the hyperparameters that a specification states."""
    means = ClassPriors(
        spec.value("mean_rate", "median"), spec.value("mean_rate", "sigma"), spec.value("class_sd", "scale")
    )
    return HyperPriors(
        means,
        spec.value("site_spread", "scale"),
        spec.value("precision", "median"),
        spec.value("precision", "sigma"),
        spec.value("lognormal_sites", "p"),
    )


def _spread(found: Evidence, places: np.ndarray, number: int) -> Evidence:
    """Lay evidence of some sites on a longer list of sites; the others say nothing."""

    def laid(part: np.ndarray) -> np.ndarray:
        whole = np.zeros(number)
        whole[places] = part
        return whole

    first, second = laid(found.first), laid(found.second)
    cells = places[found.row], found.count, found.depth, found.factor
    return Evidence(found.precision, first, second, laid(found.n_single), laid(found.constant), *cells)
