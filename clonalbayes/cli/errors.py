"""``clonalbayes errors``: the error model of a panel."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from clonalbayes.cli.sites import check_out
from clonalbayes.faults import fail

if TYPE_CHECKING:
    from clonalbayes.data.counts import CountTable
    from clonalbayes.errors.model import ErrorModel


def errors(options: argparse.Namespace) -> None:
    """Learn the error model, write it and print what it says."""
    check_out(options.out, [options.panel])
    if not options.out.name.endswith((".json", ".json.gz")):
        remedy = "End the name of --out in .json or .json.gz."
        raise fail(str(options.out), "an error model is a JSON file", remedy)
    from clonalbayes import specs

    spec = specs.load(options.model, "errors")
    model = learn(options.panel, spec, options.contexts)
    model.save(options.out)
    print(f"{options.out}: {describe(model)}")


def learn(path: Path, spec: object, contexts: Path | None = None) -> ErrorModel:
    """Read a panel and learn from it."""
    from clonalbayes.data.counts import read_counts
    from clonalbayes.errors.model import learn_from_table

    table = read_counts(path, extra=("other_count",))
    if contexts is not None:
        add_contexts(table, contexts)
    return learn_from_table(table, spec)  # type: ignore[arg-type]


def add_contexts(table: CountTable, path: Path) -> None:
    """Take the contexts of a table of counts from a table of contexts."""
    import numpy as np

    from clonalbayes.data.counts import read_sites

    other = read_sites(path)
    if "context" not in other.texts:
        raise fail(path.name, "there is no column context", "Make the table with `clonalbayes contexts`.")
    known = dict(zip((str(m) for m in other.mutations), other.text("context").tolist(), strict=True))
    table.texts["context"] = np.array([known.get(str(m), "") for m in table.mutations], object)


def describe(model: ErrorModel) -> str:
    """Say what a model holds, in a few lines."""
    import numpy as np

    about, weight = model.about, Counter[str]()
    precision = Counter[float]()
    for node in model.nodes:
        weight[node.family] += node.weight  # type: ignore[assignment]
        precision[node.precision] += node.weight  # type: ignore[assignment]
    means = sum(node.weight * np.exp(node.log_means).mean(1) for node in model.nodes)
    spread = sum(node.weight * node.spread for node in model.nodes)
    rows = [
        f"{about['alt']} alt reads of {about['reads']} at {about['sites']} sites in {about['normals']} normals",
        f"mean error rate {model.pooled_rate():.2e}; spread of the sites {spread:.2f} "
        f"({', '.join(f'{name} {share:.2f}' for name, share in weight.most_common())}); "
        f"the normals differ by a factor of {np.exp(model.sample_sd):.2f}",
        f"precision {', '.join(f'{s:g} ({share:.2f})' for s, share in precision.most_common(3))}",
    ]
    if about["carried"]:
        rows.append(f"{about['carried']} counts were set aside: the normal carries the variant")
    shown = np.asarray(means)[:-1].argsort()[::-1]
    classes = [f"{model.classes[c]} {float(np.asarray(means)[c]):.1e}" for c in shown[:6]]
    rows.append(f"classes with the most errors: {', '.join(classes)}")
    return "\n  ".join(rows)
