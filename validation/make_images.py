"""Make the pictures of the README and the documentation again.

    python validation/make_images.py --example example/result   # those of the tutorial, of `./run example`
    python validation/make_images.py --patient P.ssm            # docs/images/patient.png, of a real patient

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
    parser.add_argument("--example", type=Path, help="result folder of the example")
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder (default: docs/images)")
    options = parser.parse_args()
    if options.example:
        example(options.example, options.out)
    if options.patient:
        with style.style():
            print(style.save(patient(fit(cb.read(options.patient))), options.out / "patient.png"))


if __name__ == "__main__":
    main()
