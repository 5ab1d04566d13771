"""From draws of the signature model to exposures, evidence, matches with references and what cannot be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clonalbayes.intervals import central, hdi
from clonalbayes.intervals import mean as mean_of
from clonalbayes.signatures.contexts import genome_share
from clonalbayes.signatures.sampler import Draws
from clonalbayes.signatures.tables import Table

SAME = 0.9
"""Cosine from which a profile is taken to correspond to a reference."""

MIXED = 0.1
"""Share of a second reference from which a found profile is a mixture of the two."""

SURE = 0.95
IN_USE = 0.01
"""Share of all mutations from which a de novo signature is in use."""


@dataclass(frozen=True)
class Report:
    """Tables as lists of rows (dicts), and findings in words.

    Attributes
    ----------
    exposures
        branch, signature, mutations, mean, lo, hi, made_mean, made_lo, made_hi, p_present, bayes_factor.
    profiles
        context, signature, mean, lo, hi, reference.
    matches
        signature, reference, cosine_mean, cosine_lo, cosine_hi, p_best, verdict.
    diagnostics
        quantity, rhat, ess, verdict.
    findings
        Sentences.
    """

    exposures: list[dict[str, Any]]
    profiles: list[dict[str, Any]]
    matches: list[dict[str, Any]]
    diagnostics: list[dict[str, Any]]
    findings: list[str]


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine of every row of `a` [..., R, C] with every row of `b` [Q, C]: [..., R, Q]."""
    left = a / np.linalg.norm(a, axis=-1, keepdims=True)
    right = b / np.linalg.norm(b, axis=-1, keepdims=True)
    return left @ right.T


def align_denovo(draws: Draws) -> Draws:
    """Name de novo signatures alike in every draw.

    Their labels are exchangeable. Each draw's de novo profiles, weighted by use, are matched one to one to those
    of a pivot (the mean of the draws matched so far, from the draw in which they make most mutations), in order
    of their mutations; the assignment of greatest total cosine is found draw by draw.
    """
    new = np.flatnonzero(~draws.known)
    if len(new) < 2:
        return draws
    from scipy.optimize import linear_sum_assignment

    made = draws.allocated[..., new].sum(2)
    chains, count = made.shape[:2]
    profiles = draws.profiles[:, :, new].reshape(chains * count, len(new), -1)
    weight = made.reshape(chains * count, len(new))
    first = int(np.sort(weight, 1)[:, ::-1].cumprod(1)[:, -1].argmax()) if weight.any() else 0
    start = np.argsort(-weight[first])
    pivot, orders = profiles[first, start].copy(), np.tile(np.arange(len(new)), (chains * count, 1))
    for _ in range(3):
        for i in range(chains * count):
            gain = cosine(profiles[i], pivot) * np.sqrt(weight[i] + 1.0)[:, None]
            rows, columns = linear_sum_assignment(-gain)
            orders[i, columns] = rows
        pivot = np.take_along_axis(profiles, orders[:, :, None], 1).mean(0)
    full = np.tile(np.arange(len(draws.known)), (chains * count, 1))
    full[:, new] = new[orders]
    full = full.reshape(chains, count, -1)
    return replace(
        draws,
        profiles=np.take_along_axis(draws.profiles, full[..., None], 2),
        exposures=np.take_along_axis(draws.exposures, full[:, :, None, :], 3),
        allocated=np.take_along_axis(draws.allocated, full[:, :, None, :], 3),
    )


def rhat(values: np.ndarray) -> float:
    """Potential scale reduction of one quantity [chain, draw], split in halves; 1 where it is constant."""
    half = values.shape[1] // 2
    if half < 2:
        return float("nan")
    parts = np.concatenate([values[:, :half], values[:, -half:]]).astype(float)
    within = parts.var(1, ddof=1).mean()
    between = parts.mean(1).var(ddof=1)
    return 1.0 if within + between < 1e-18 else float(np.sqrt((half - 1) / half + between / max(within, 1e-18)))


def effective_size(values: np.ndarray) -> float:
    """Effective number of draws of one quantity [chain, draw] by Geyer's initial positive sequence."""
    chains, n = values.shape
    centred = values - values.mean(1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(centred, 2 * n, axis=1)) ** 2
    covariance = np.fft.irfft(spectrum, axis=1)[:, :n].mean(0)
    if covariance[0] <= 1e-18:
        return float(chains * n)
    pairs = (covariance / covariance[0])[: n // 2 * 2].reshape(-1, 2).sum(1)
    ends = np.flatnonzero(pairs <= 0)
    kept = pairs[: ends[0]] if len(ends) else pairs
    return float(min(chains * n, chains * n / max(2 * kept.sum() - 1, 1e-3)))


def with_genome_shares(
    rows: list[dict[str, Any]], draws: Draws, sites: tuple[np.ndarray, np.ndarray] | None
) -> list[dict[str, Any]]:
    """Add the shares of the whole reference region to rows of exposures: columns genome_mean, genome_lo, genome_hi.

    Parameters
    ----------
    rows
        `Report.exposures`.
    draws
        What they were made of.
    sites
        Sites [96] of the sequenced region and of the reference; None where the two are alike: no columns then.
    """
    if sites is None:
        return rows
    shares = np.where(np.isnan(draws.exposures), np.nan, genome_share(draws.exposures, draws.profiles, *sites))
    flat = shares.reshape(-1, *shares.shape[2:])
    values = zip(mean_of(flat).ravel(), *(ends.ravel() for ends in central(flat)), strict=True)
    return [
        row | {"genome_mean": m, "genome_lo": a, "genome_hi": b} for row, (m, a, b) in zip(rows, values, strict=True)
    ]


def report(draws: Draws, table: Table, *, intended: bool = True) -> Report:
    """Summarise draws.

    Parameters
    ----------
    draws
        From `clonalbayes.signatures.sampler.sample`.
    table
        References to match what was found with.
    intended
        Whether references were given as priors; without them it is told which ones are not told apart.

    Returns
    -------
    Report
    """
    draws = align_denovo(draws)
    matches = _matches(draws, table)
    findings = _denovo_findings(draws, matches)
    if not intended:
        findings += not_told_apart(draws, table)
    findings += _zero_findings(draws)
    diagnostics = _diagnostics(draws)
    worst = max((row["rhat"] for row in diagnostics), default=1.0)
    if worst > 1.05:
        findings.append(f"The chains do not agree yet (largest R-hat {worst:.2f}): run more draws (--draws).")
    return Report(_exposures(draws), _profiles(draws), matches, diagnostics, findings)


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, *values.shape[2:])


def _exposures(draws: Draws) -> list[dict[str, Any]]:
    shares, made = _flat(draws.exposures), _flat(draws.allocated)
    made = np.where(np.isfinite(shares), made, np.nan)
    (low, high), (few, many) = central(shares), central(made)
    share_mean, made_mean = mean_of(shares), mean_of(made)
    on, known = (shares > 0).sum(0), np.isfinite(shares).all(2).sum(0)
    prior = draws.prior_on
    rows = []
    for k, branch in enumerate(draws.branches):
        n = max(int(known[k]), 1)
        for r, signature in enumerate(draws.signatures):
            factor = float("nan")
            if prior[k, r] < 1.0:
                factor = (on[k, r] + 0.5) / (n - on[k, r] + 0.5) * (1 - prior[k, r]) / prior[k, r]
            rows.append({
                "branch": branch, "signature": signature, "mutations": int(draws.counts[k].sum()),
                "mean": share_mean[k, r], "lo": low[k, r], "hi": high[k, r],
                "made_mean": made_mean[k, r], "made_lo": few[k, r], "made_hi": many[k, r],
                "p_present": on[k, r] / n, "bayes_factor": factor,
            })  # fmt: skip
    return rows


def _profiles(draws: Draws) -> list[dict[str, Any]]:
    from clonalbayes.signatures.contexts import CONTEXTS

    profiles = _flat(draws.profiles)
    low, high = hdi(profiles)
    mean = profiles.mean(0)
    return [
        {
            "signature": signature, "context": context, "mean": mean[r, c], "lo": low[r, c], "hi": high[r, c],
            "reference": draws.reference[r, c] if draws.known[r] else float("nan"),
        }
        for r, signature in enumerate(draws.signatures) for c, context in enumerate(CONTEXTS)
    ]  # fmt: skip


def _matches(draws: Draws, table: Table) -> list[dict[str, Any]]:
    """Which reference every signature resembles most, with the cosine's interval over the draws."""
    like = cosine(_flat(draws.profiles), table.values)
    best = like.argmax(2)
    rows = []
    for r, signature in enumerate(draws.signatures):
        q = table.names.index(signature) if signature in table.names else int(np.bincount(best[:, r]).argmax())
        low, high = hdi(like[:, r, q])
        mean = float(like[:, r, q].mean())
        used = bool((draws.allocated[..., r].sum(2) > 0).mean() > 0.5)
        verdict = "corresponds to" if mean >= SAME else "resembles, but is not,"
        text = f"{verdict} {table.names[q]}" + (", and is not identical to it" if SAME <= high < 0.999 else "")
        rows.append({
            "signature": signature, "reference": table.names[q], "cosine_mean": mean, "cosine_lo": float(low),
            "cosine_hi": float(high), "p_best": float((best[:, r] == q).mean()),
            "verdict": text if used else "not in use",
        })  # fmt: skip
    return rows


def _denovo_findings(draws: Draws, matches: Sequence[dict[str, Any]]) -> list[str]:
    """How many de novo signatures are in use."""
    new = ~draws.known
    if not new.any():
        return []
    share = draws.allocated[..., new].sum(2) / max(float(draws.counts.sum()), 1.0)
    number = (share > IN_USE).sum(-1).ravel()
    chances = np.bincount(number, minlength=int(new.sum()) + 1) / len(number)
    likely = int(chances.argmax())
    if likely == 0:
        return [f"No de novo signature is needed (probability {chances[0]:.2f})."]
    word = "signature is" if likely == 1 else "signatures are"
    out = [f"{likely} de novo {word} in use (probability {chances[likely]:.2f})."]
    for row, fresh in zip(matches, new, strict=True):
        if fresh and row["verdict"] != "not in use":
            out.append(
                f"{row['signature']} {row['verdict']} (cosine {row['cosine_mean']:.2f}, "
                f"{row['cosine_lo']:.2f} to {row['cosine_hi']:.2f})."
            )
    return out


def _zero_findings(draws: Draws) -> list[str]:
    """Candidates that are in no branch."""
    on = (_flat(draws.exposures) > 0).mean(0)
    absent = [
        name for r, name in enumerate(draws.signatures) if draws.known[r] and (on[:, r] < 0.5).all()
    ]  # fmt: skip
    return [f"In no branch with probability above 0.5: {', '.join(absent)}."] if absent else []


def decompose(profiles: np.ndarray, dictionary: np.ndarray) -> np.ndarray:
    """Shares [D, Q] of dictionary profiles [Q, C] in mixtures [D, C], by non-negative least squares."""
    from scipy.optimize import nnls

    basis = dictionary.T
    shares = np.array([nnls(basis, profile)[0] for profile in profiles])
    total = shares.sum(1, keepdims=True)
    return np.divide(shares, total, out=np.zeros_like(shares), where=total > 0)


def not_told_apart(draws: Draws, table: Table, names: Sequence[str] = ("SBS1", "SBS5", "SBS87")) -> list[str]:
    """Say which references the data need but, without them as priors, do not tell apart.

    For every draw the found signatures are compared with two references a and b. They are told apart if one found
    signature corresponds to a without b and another to b without a (cosine at least 0.9, less than a tenth of the
    other), in at least 95 % of the draws.
    """
    known = [name for name in names if name in table.names]
    dictionary = table.values[[table.names.index(name) for name in known]]
    profiles = _flat(draws.profiles)[:: max(draws.profiles.shape[0] * draws.profiles.shape[1] // 200, 1)]
    D, R = profiles.shape[:2]
    parts = decompose(profiles.reshape(D * R, -1), dictionary).reshape(D, R, -1)
    like = cosine(profiles, dictionary)
    out = []
    for i, a in enumerate(known):
        for j, b in list(enumerate(known))[i + 1 :]:
            pure_a = ((like[:, :, i] >= SAME) & (parts[:, :, j] < MIXED)).any(1)
            pure_b = ((like[:, :, j] >= SAME) & (parts[:, :, i] < MIXED)).any(1)
            chance = float((pure_a & pure_b).mean())
            if chance < SURE:
                out.append(
                    f"{a} and {b} are not told apart (probability {chance:.2f} that they are): "
                    "give references, and their intervals will mean something."
                )
    return out


def _diagnostics(draws: Draws) -> list[dict[str, Any]]:
    """R-hat and effective size of quantities without labels, and of the exposures to references."""
    known = np.flatnonzero(draws.known)
    quantities = {"profile strength": np.log(draws.strength)} if draws.known.any() else {}
    fitted = np.einsum("ijkr,ijrc->ijkc", draws.exposures, draws.profiles)
    counts = draws.counts[None, None]
    quantities["log likelihood"] = np.nansum(counts * np.log(np.maximum(fitted, 1e-300)), (2, 3))
    total = np.maximum(draws.counts.sum(1), 1)
    for r in known:
        share = np.nansum(draws.exposures[..., r] * total, 2) / total.sum()
        quantities[f"share of {draws.signatures[r]}"] = share
    rows = []
    for name, values in quantities.items():
        factor, size = rhat(values), effective_size(values)
        verdict = "good" if factor <= 1.05 and size >= 100 else "run longer"
        rows.append({"quantity": name, "rhat": factor, "ess": size, "verdict": verdict})
    return rows
