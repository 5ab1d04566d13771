"""The result folder: written whole or not at all, opened as one object.

A folder is written beside its target under a temporary name and renamed at the end. A result that is
replaced is first renamed aside; files in it that are not of the result are kept.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clonalbayes.faults import fail

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from clonalbayes.data.patient import Patient
    from clonalbayes.summaries.part import Part

POSTERIOR, RUN = "posterior.nc", "run.json"
TABLES = ("clones", "mutations", "excluded", "n_clones", "samples", "diagnostics")
"""Flat tables, each in a file of its name with the ending .tsv."""

FILES = (POSTERIOR, RUN, *(f"{name}.tsv" for name in TABLES))
"""Files of every result."""

TREE_TABLES, TREE_TEXTS = ("edges", "identifiability"), ("trees.json", "tree.nwk")
TREE_FILES = (*(f"{name}.tsv" for name in TREE_TABLES), *TREE_TEXTS)
"""Files that a result of a model with trees has besides."""

SEGMENTS, REPORT = "segments.tsv", "report.html"
"""Copy number along the genome, which `clonalbayes run` adds to a result, and the page of a result."""

TEXT_COLUMNS = (
    *("mutation", "sample", "quantity", "verdict", "reason", "file", "runner_up", "multiplicity"),
    *("relation", "kind", "parents", "statement", "sample_that_tells", "closest_sample"),
)
"""Columns that are read as text even if they look like numbers."""

COMPRESSED = 4096
"""Values from which an array is compressed."""

BLOCK = 128
"""Mutations of one block of an array of labels: its successive draws, nearly the same, lie close together."""

SHOWN = 10
"""Rows of the table in the HTML of a result."""


def write(
    tree: xr.DataTree, patient: Patient, folder: Path, run_info: Mapping[str, Any], parts: Sequence[Part] = ()
) -> None:
    """Write the result folder, whole or not at all.

    Parameters
    ----------
    tree
        From `clonalbayes.summarise`.
    patient
        What it was fitted to.
    folder
        The folder. If it exists it is replaced, once the new one is complete; files in it that are not part
        of a result stay in a folder named `NAME.previous`.
    run_info
        For ``run.json``; the verdict on convergence is added, and what was found of the trees and by the parts.
    parts
        Of further parts of the analysis: dates, signatures and the like.
    """
    from clonalbayes.summaries import diagnose, tables, tree_parts

    folder = Path(folder).absolute()
    frames = tables(tree) | {"excluded": patient.excluded, "diagnostics": diagnose(tree)}
    info = dict(run_info) | {"verdict": frames["diagnostics"].attrs["verdict"]}
    of_trees, texts, found = tree_parts(tree)
    if found:
        info["trees"] = found
    info |= {part.name: dict(part.entry) for part in parts}
    with _whole(folder) as part:
        write_tree(tree, part / POSTERIOR)
        for name, frame in ({name: frames[name] for name in TABLES} | of_trees).items():
            write_table(frame, part / f"{name}.tsv")
        for name, content in texts.items():
            (part / name).write_text(content, encoding="utf-8", newline="\n")
        for one in parts:
            write_part(one, part)
        text = json.dumps(info, indent=2, ensure_ascii=False, default=str)
        (part / RUN).write_text(text + "\n", encoding="utf-8")


def write_part(part: Part, folder: Path) -> None:
    """Write the tables and arrays of one part into a folder."""
    from clonalbayes.signatures.output import write_rows

    for name, rows in part.tables.items():
        write_rows(rows, folder / f"{name}.tsv")
    for name, arrays in part.arrays.items():
        arrays.to_netcdf(folder / f"{name}.nc", engine="netcdf4")


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes `folder` if all goes well, and is removed if not."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = f"{os.getpid()}-{secrets.token_hex(4)}"
    part = folder.with_name(f".{folder.name}.{mark}.part")
    part.mkdir()
    try:
        yield part
        for path in (*part.iterdir(), part):
            _to_disk(path)
        _put_in_place(part, folder, folder.with_name(f".{folder.name}.{mark}.old"))
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _to_disk(path: Path) -> None:
    """Wait until a file or a folder is on the disk and not only in memory."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _put_in_place(part: Path, folder: Path, aside: Path) -> None:
    """Rename a complete folder to its place; what was there goes aside first and comes back if that fails."""
    replaced = folder.exists()
    if replaced:
        folder.rename(aside)
    try:
        part.rename(folder)
    except BaseException:
        if replaced:
            aside.rename(folder)
        raise
    _to_disk(folder.parent)
    if replaced:
        _clear(aside, folder)


def _clear(aside: Path, folder: Path) -> None:
    """Remove a replaced result; what is not part of a result stays in a folder that can be seen."""
    from clonalbayes.summaries.part import PART_FILES

    for name in (*FILES, *TREE_FILES, *PART_FILES, REPORT):
        (aside / name).unlink(missing_ok=True)
    try:
        aside.rmdir()
    except OSError:
        number, kept = 1, folder.with_name(f"{folder.name}.previous")
        while kept.exists():
            number += 1
            kept = folder.with_name(f"{folder.name}.previous{number}")
        aside.rename(kept)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as tab-separated UTF-8 text.

    Parameters
    ----------
    frame
        The table. Numbers are written to six figures, NaN as NA; a name that holds a tab, a line break or a
        quote is quoted as in CSV files.
    path
        The file.
    """
    out = frame.copy(deep=False)
    for name in out.columns:
        if out[name].dtype == object:
            out[name] = out[name].where(out[name].notna(), "")
    out.to_csv(
        path, sep="\t", index=False, float_format="%.6g", na_rep="NA", lineterminator="\n", encoding="utf-8"
    )


def read_table(path: Path, texts: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table of a result folder; `TEXT_COLUMNS` and `texts` stay texts even if they look like numbers.

    Parameters
    ----------
    path
        The file.
    texts
        Further columns of texts.
    """
    import pandas as pd

    kept = dict.fromkeys((*TEXT_COLUMNS, *texts), str)
    with path.open(encoding="utf-8", newline="") as file:
        header = file.readline().rstrip("\n").split("\t")
    numbers = {column: ["NA", ""] for column in header if column not in kept}
    return pd.read_csv(path, sep="\t", dtype=kept, keep_default_na=False, na_values=numbers)


def write_tree(tree: xr.DataTree, path: Path) -> None:
    """Write a posterior as netCDF, compressed.

    Parameters
    ----------
    tree
        The posterior. Labels that fit into eight bits are stored in eight.
    path
        The file.
    """
    import xarray as xr

    groups, encoding = {}, {}
    for name, node in tree.children.items():
        groups[f"/{name}"] = node.to_dataset()
        encoding[f"/{name}"] = {str(n): _encoding(str(n), v) for n, v in groups[f"/{name}"].variables.items()}
    xr.DataTree.from_dict(groups).to_netcdf(path, engine="netcdf4", encoding=encoding)


def _encoding(name: str, variable: Any) -> dict[str, Any]:
    """Fast compression for what is large; texts as fixed-width bytes, which are much faster than strings.

    Draws of real numbers are random in most of their digits: packing them costs six times the time of writing
    and saves a tenth.
    """
    if variable.dtype.kind in "UO":
        return {"dtype": "S1", "zlib": variable.size >= COMPRESSED}
    if variable.size < COMPRESSED or variable.dtype.kind == "f":
        return {}
    chosen: dict[str, Any] = {"zlib": True, "complevel": 1, "shuffle": variable.dtype.itemsize > 1}
    if name in ("assignment", "genotype"):
        chosen["chunksizes"] = (1, variable.shape[1], min(BLOCK, variable.shape[2]))
        if variable.values.max(initial=0) <= np.iinfo(np.int8).max:
            chosen |= {"dtype": "int8", "shuffle": False}  # half the bytes to pack
    return chosen


def open_result(folder: str | os.PathLike[str]) -> Result:
    """Open a result folder.

    Parameters
    ----------
    folder
        Written by ``clonalbayes fit`` or `write`.

    Returns
    -------
    Result
        Reads each of its parts when it is first asked for.

    Raises
    ------
    InputError
        If the folder is not a result, or lacks one of its files.
    """
    folder = Path(folder).expanduser()
    if not (folder / RUN).is_file():
        raise fail(str(folder), "is not a result folder", "Name a folder that `clonalbayes fit` has written.")
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise fail(str(folder), f"lacks {', '.join(missing)}", "Run the fit again.")
    return Result(folder)


def _plain_texts(group: xr.Dataset) -> xr.Dataset:
    """Texts as the arrays of characters that they were before they were written."""
    return group.assign({n: v.astype(str) for n, v in group.variables.items() if v.dtype == object})


class Result:
    """A result folder.

    Parameters
    ----------
    folder
        Where it is; see `open_result`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def tree(self) -> xr.DataTree:
        """Posterior, consensus and data as an ArviZ DataTree, in memory."""
        import xarray as xr

        try:
            with xr.open_datatree(self.folder / POSTERIOR, engine="netcdf4") as stored:
                return stored.load().map_over_datasets(_plain_texts)
        except OSError as error:
            path = str(self.folder / POSTERIOR)
            raise fail(path, f"cannot be read ({error})", "Run the fit again.") from error

    @cached_property
    def clones(self) -> pd.DataFrame:
        """Clones by sample: prevalence and CCF with their intervals, evidence of presence."""
        return self._table("clones")

    @cached_property
    def mutations(self) -> pd.DataFrame:
        """Mutations: their clone, how sure that is, and the runner-up."""
        return self._table("mutations")

    @cached_property
    def excluded(self) -> pd.DataFrame:
        """Mutations that were left out, with the reason."""
        return self._table("excluded")

    @cached_property
    def n_clones(self) -> pd.DataFrame:
        """Posterior of the number of clones."""
        return self._table("n_clones")

    @cached_property
    def samples(self) -> pd.DataFrame:
        """Purity, precision, error rate and copy-number share by sample."""
        return self._table("samples")

    @cached_property
    def diagnostics(self) -> pd.DataFrame:
        """Convergence of label-free quantities."""
        return self._table("diagnostics")

    @cached_property
    def edges(self) -> pd.DataFrame:
        """Probability of every parent and ancestor; only of a model with trees."""
        return self._tree_table("edges")

    @cached_property
    def identifiability(self) -> pd.DataFrame:
        """Clones whose parent is not sure, and what would tell; only of a model with trees."""
        return self._tree_table("identifiability")

    @cached_property
    def trees(self) -> dict[str, Any]:
        """The posterior of trees, as in ``trees.json``; only of a model with trees."""
        return dict(json.loads(self._of_trees("trees.json").read_text(encoding="utf-8")))

    @cached_property
    def newick(self) -> str:
        """The consensus tree in Newick; only of a model with trees."""
        return self._of_trees("tree.nwk").read_text(encoding="utf-8").strip()

    @cached_property
    def run(self) -> dict[str, Any]:
        """Versions, seed, settings, digests of the inputs, model and verdict."""
        return dict(json.loads((self.folder / RUN).read_text(encoding="utf-8")))

    def _of_trees(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file():
            remedy = "Fit a model with trees, such as `--model tree`."
            raise fail(str(self.folder), f"has no {name}: its model has no trees", remedy)
        return path

    def _tree_table(self, name: str) -> pd.DataFrame:
        self._of_trees(f"{name}.tsv")
        return self._table(name)

    def _table(self, name: str) -> pd.DataFrame:
        return read_table(self.folder / f"{name}.tsv", ("clone",) if name == "mutations" else ())

    def __repr__(self) -> str:
        """Say in a few words what it holds."""
        counts = self._counts()
        return f"<Result {self.folder}: {counts}; {self.run.get('verdict', 'not judged')}>"

    def _counts(self) -> str:
        labels = self.mutations["clone"]
        n_clones = len(set(labels) - {"noise", "germline"})
        noise = int((labels == "noise").sum())
        return (
            f"{n_clones} clone{'s' * (n_clones != 1)} from {len(labels)} mutations ({noise} noise) "
            f"in {len(self.samples)} sample{'s' * (len(self.samples) != 1)}"
        )

    def _repr_html_(self) -> str:
        """Show the CCF of the clones by sample."""
        verdict = escape(str(self.run.get("verdict", "")))
        head = f"<p><b>{escape(str(self.folder))}</b>: {self._counts()}. {verdict}</p>"
        samples = list(dict.fromkeys(self.clones["sample"]))
        titles = "".join(f"<th>{escape(str(name))}</th>" for name in ("clone", "mutations", *samples))
        rows = []
        for clone, block in list(self.clones.groupby("clone"))[:SHOWN]:
            cells = [
                f"<td>{m:.3g} [{low:.3g}, {high:.3g}]</td>"
                for m, low, high in zip(block["ccf_mean"], block["ccf_lo"], block["ccf_hi"], strict=True)
            ]
            rows.append(f"<tr><td>{clone}</td><td>{block['n_mutations'].iloc[0]}</td>{''.join(cells)}</tr>")
        more = self.clones["clone"].nunique() - len(rows)
        note = f"<p>and {more} more</p>" if more > 0 else ""
        return f"{head}<table><caption>CCF</caption><tr>{titles}</tr>{''.join(rows)}</table>{note}"
