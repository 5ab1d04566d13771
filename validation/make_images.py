"""Make the pictures of the README and the documentation again.

    python validation/make_images.py                       # docs/images/overview.png, of a simulated patient
    python validation/make_images.py --patient P.ssm       # and docs/images/patient.png, of a real one
    python validation/make_images.py --example example/result   # those of the tutorial, of `./run example`

The simulated patient is the lineage switch of `clonalbayes.simulate`; its seed and the fit's are fixed here.
The real patient in the documentation is SJBALL031 of the public Pairtree data.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import clonalbayes as cb
from clonalbayes.plots import style

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
WIDTH = 9.0
"""Inches; the pictures are shown about 900 pixels wide."""


def fit(data: Any) -> Any:
    """Fit with the seed of the pictures."""
    return cb.summarise(cb.fit(data, tune=1000, draws=1000, chains=2, seed=1, progress=False))


def overview(tree: Any) -> Any:
    """A pair of samples and the number of clones above, the clones over the dates below."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(WIDTH, 6.6), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(1.0, 1.2), height_ratios=(1.15, 1.0))
    pair, number, dates = (figure.add_subplot(place) for place in (grid[0, 0], grid[0, 1], grid[1, :]))
    cb.plots.plot_vaf_pairs(tree, axes=pair, pairs=[("AML1", "AML2")], ccf=True)
    cb.plots.plot_n_clones(tree, axes=number)
    cb.plots.plot_prevalence(tree, axes=dates, layout="dates")
    titles = (
        "Mutations in two samples",
        "How many clones?",
        "Cells with each clone's mutations, 95 % intervals",
    )
    for axis, title in zip((pair, number, dates), titles, strict=True):
        axis.set_title(title, loc="left", fontsize=10, fontweight="bold", pad=18 if axis is pair else 6)
    return figure


def patient(tree: Any) -> Any:
    """The heat map above, the prevalence of each clone below."""
    import matplotlib.pyplot as plt

    clones = cb.plots.compute_prevalence(tree)
    strips = max(clones.sizes["clone"], 1)
    figure = plt.figure(figsize=(WIDTH, 4.2 + 0.55 * strips), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(4.2, 0.55 * strips + 0.8))
    heatmap = above.subplots()
    cb.plots.plot_heatmap(tree, axes=heatmap)
    heatmap.set_title("VAF of each mutation", loc="left", fontsize=10, fontweight="bold")
    axes = below.subplots(strips, 1, squeeze=False).ravel()
    cb.plots.draw_prevalence(clones, axes, layout="clones")
    title = "Cells with each clone's mutations, 95 % intervals"
    axes[0].set_title(title, loc="left", fontsize=10, fontweight="bold")
    return figure


EXAMPLE: dict[str, dict[str, Any]] = {
    "vaf": {"pairs": [("D1", "D2"), ("R1a", "R1b")]},
    **{name: {} for name in ("heatmap", "tree", "alternatives", "fish", "prevalence")},
    **{name: {} for name in ("exposures", "spectra", "calendar", "clone_sizes", "copy_number")},
}
"""Figures of the tutorial with their options."""


def example(result: Path, out: Path) -> None:
    """Draw the figures of the tutorial that a result folder allows."""
    from clonalbayes.plots.registry import PARTS, REGISTRY, parts_of

    for name, options in EXAMPLE.items():
        if name in REGISTRY or (name in PARTS and name in parts_of(result)):
            cb.plots.draw(name, result, out / f"example-{name}.png", **options)
            print(out / f"example-{name}.png")


def main() -> None:
    """Draw and write; print what was written."""
    import matplotlib as mpl

    mpl.use("Agg")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patient", type=Path, help="file of a real patient, for patient.png")
    parser.add_argument("--example", type=Path, help="result folder of the example, for the tutorial's figures alone")
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder (default: docs/images)")
    options = parser.parse_args()
    if options.example:
        example(options.example, options.out)
        return
    from clonalbayes.simulate import lineage_switch

    with style.style():
        print(style.save(overview(fit(lineage_switch(3000, seed=11).dataset)), options.out / "overview.png"))
        if options.patient:
            print(style.save(patient(fit(cb.read(options.patient))), options.out / "patient.png"))


if __name__ == "__main__":
    main()
