"""The paragraph for a paper's methods, and what it cites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .content import Content
from .words import converged

CITED = {
    "clonalbayes": "clonalbayes developers (2026). clonalbayes: Bayesian clonal reconstruction of bulk tumour samples, "
    "version {version}.",
    "numpy": "Harris CR et al. (2020). Array programming with NumPy. Nature 585:357-362. doi:10.1038/s41586-020-2649-2",
    "numba": "Lam SK, Pitrou A, Seibert S (2015). Numba: a LLVM-based Python JIT compiler. LLVM-HPC '15. "
    "doi:10.1145/2833157.2833162",
    "xarray": "Hoyer S, Hamman J (2017). xarray: N-D labeled arrays and datasets in Python. Journal of Open Research "
    "Software 5:10. doi:10.5334/jors.148",
    "matplotlib": "Hunter JD (2007). Matplotlib: a 2D graphics environment. Computing in Science & Engineering "
                  "9:90-95. "
    "doi:10.1109/MCSE.2007.55",
    "rhat": "Vehtari A, Gelman A, Simpson D, Carpenter B, Bürkner PC (2021). Rank-normalization, folding, and "
    "localization: an improved R-hat for assessing convergence of MCMC. Bayesian Analysis 16:667-718. "
    "doi:10.1214/20-BA1221",
    "cosmic": "Alexandrov LB et al. (2020). The repertoire of mutational signatures in human cancer. Nature "
              "578:94-101. "
    "doi:10.1038/s41586-020-1943-3",
}
"""What is cited, in the order in which it is listed."""


def methods(content: Content) -> str:
    """Write the paragraph.

    Parameters
    ----------
    content
        What was run.
    """
    run = content.run
    settings, model = _entry(run, "settings"), _entry(run, "model")
    trees = " and the tree that relates them" if content.has_trees else ""
    given = " The clusters of mutations were given." if settings.get("fixed_clusters") else ""
    said = [
        f"Clones{trees} were inferred jointly from the read counts of {len(content.labels):,} mutations in "
        f"{len(content.samples)} samples with clonalbayes {run.get('clonalbayes', 'of unknown version')} (model "
        f"{model.get('name', 'unknown')}, version {model.get('version', 'unknown')}, digest "
        f"{str(model.get('digest', 'unknown'))[:12]}).{given} {str(model.get('meaning', '')).strip()}",
        f"The posterior was sampled with {settings.get('chains')} chains of {settings.get('draws')} draws after "
        f"{settings.get('tune')} draws of tuning (seed {settings.get('seed')}). Chains were compared by R-hat and "
        "effective sample sizes of quantities that do not depend on labels; " + _verdict(str(run.get("verdict", ""))),
        "Intervals are 95 % highest-density intervals. Prevalence is the share of all cells of a sample that carry a "
        "clone's mutations, its descendants included.",
    ]
    left = len(content.rows("excluded"))
    if left:
        said.append(f"{left:,} mutations were left out before the fit, each with its reason (excluded.tsv).")
    if content.has("exposures.tsv"):
        said.append("Mutations of every branch were divided among mutational signatures whose profiles were learned "
                    "around COSMIC v3.4 references.")  # fmt: skip
    if content.has("timing.tsv"):
        said.append("Nodes of the tree were dated from sampling dates, treatments and the signatures of the branches.")
    if content.has("detection.tsv"):
        said.append("Presence and size of small clones were judged from all their sites together, each with its own "
                    "error rate, each sample with its own error factor.")  # fmt: skip
    versions = ", ".join(f"{name} {number}" for name, number in _entry(run, "versions").items())
    said.append(
        f"Computed with Python {run.get('python', 'unknown')} on {run.get('machine', 'an unknown machine')}; "
        f"{versions}."
    )
    return " ".join(said)


def _verdict(verdict: str) -> str:
    if converged(verdict):
        return "they agreed."
    return f"they did not agree in full ({verdict.rstrip('.')})."


def _entry(run: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    entry = run.get(name)
    return entry if isinstance(entry, Mapping) else {}


def citations(content: Content) -> list[str]:
    """List what the paragraph rests on.

    Parameters
    ----------
    content
        What was run.
    """
    wanted = [*CITED][:-1] + (["cosmic"] if content.has("exposures.tsv") else [])
    return [CITED[name].format(version=content.run.get("clonalbayes", "unknown")) for name in wanted]
