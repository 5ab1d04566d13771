"""``clonalbayes check run.toml``: what a description of a patient says, and what would be done."""

from __future__ import annotations

from pathlib import Path

from clonalbayes.data.treatments import Treatment, parse_date

from .cache import Stages
from .filter_keys import filter_keys
from .precheck import model_of, precheck
from .runfile import RunFile, Sample, read_run_file
from .stages import steps_of


def stages_folder(run: RunFile) -> Path:
    """Return the folder of the stages: beside the result."""
    return run.out.with_name(f"{run.out.name}.stages")


def check_run(path: Path) -> str:
    """Check a description of a patient and say what would be done.

    Parameters
    ----------
    path
        The `run.toml`.

    Returns
    -------
    str
        The patient, its samples and treatments, and the stages: which are there and which would be made.

    Raises
    ------
    InputError
        With every fault of the run file, or else of the files that it names.
    """
    run = read_run_file(path, filter_keys())
    precheck(run, thorough=True)
    parts = [_patient(run), _samples(run), _treatments(run), _warnings(run), _stages(run)]
    return "\n\n".join(part for part in parts if part)


def _patient(run: RunFile) -> str:
    words = [f"patient {run.name}", run.sex or "sex not given"]
    words += [f"dates count from {run.origin_date}"] if run.origin_date else []
    words += [f"reference {run.reference.name}"] if run.reference is not None else []
    words += [run.genome] if run.genome else []
    return ", ".join(words)


def _samples(run: RunFile) -> str:
    rows = [("sample", "date", "group", "reads", "calls", "copy number", "purity")]
    for sample in run.samples:
        rows.append((
            sample.name, sample.date or "-", sample.group or "-", sample.reads.name if sample.reads else "-",
            str(len(sample.variants)) if sample.variants else "-",
            ", ".join(f.name for f in sample.copy_number) or "-", _purity(sample),
        ))  # fmt: skip
    widths = [max(len(row[j]) for row in rows) for j in range(len(rows[0]))]
    return "\n".join("  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def _purity(sample: Sample) -> str:
    if isinstance(sample.purity, Path):
        return sample.purity.name
    if sample.purity is None:
        return "-"
    return f"{sample.purity:g}" + ("" if sample.purity_sd is None else f" ± {sample.purity_sd:g}")


def _treatments(run: RunFile) -> str:
    lines = [f"{t.name}: {t.start} to {t.end or 'beyond the last sample'}{_after(run, t)}" for t in run.treatments]
    return "\n".join(["treatments", *(f"  {line}" for line in lines)]) if lines else ""


def _after(run: RunFile, course: Treatment) -> str:
    """Say between which samples a course began."""
    start = parse_date(course.start)
    dated = [(parse_date(s.date), s.name) for s in run.samples if s.date]
    before = [name for date, name in sorted((d, n) for d, n in dated if d and start and d <= start)]
    return f" (began after {before[-1]})" if before else " (began before the first sample)" if dated else ""


def _warnings(run: RunFile) -> str:
    """Say what is missing and what follows from that."""
    lines = []
    if not run.sex:
        lines.append("sex not given: mutations on X and Y are taken as on two copies of X, or one of Y")
    dateless = [s.name for s in run.samples if not s.date]
    if dateless and run.treatments:
        lines.append(f"no date for {', '.join(dateless)}: treatments cannot be placed against them")
    bare = [s.name for s in run.samples if not s.copy_number]
    if bare and not run.setting("copy_number", "files") and run.setting("counts", "table") is None:
        lines.append(f"no copy number for {', '.join(bare)}: taken as normal")
    unknown = [s.name for s in run.samples if s.purity is None]
    if unknown and not run.setting("copy_number", "files") and run.setting("counts", "table") is None:
        lines.append(f"no purity for {', '.join(unknown)}")
    if not run.tables.get("panel"):
        lines.append("no panel of normals: the error rate is learned from the mutations alone")
    return "\n".join(f"note: {line}" for line in lines)


def _stages(run: RunFile) -> str:
    """List the stages with what would become of each."""
    stages, lines = Stages(stages_folder(run)), []
    for step in steps_of(run):
        kept = stages.look(step.name, step.settings, step.inputs, step.after)
        lines.append(f"  {step.name}: {step.says} ({'is there' if kept else 'to do'})")
    named = model_of(run)
    model = f"model {Path(named).name}" if named else "model joint (tree if no mutation has a context)"
    lines.append(f"  fit: {model}, result in {run.out}")
    return "\n".join(["stages", *lines])
