"""A patient as files: reference, BAM and CRAM, calls, copy number, and the `run.toml` that describes them.

The lineage switch of `switch`, sequenced on a miniature of the genome: molecules carry the mutations of the
cells they come from, so that everything from the counting of reads to the tree can be compared with the truth.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from clonalbayes.faults import fail
from clonalbayes.simulate.alignments import simulate_bam
from clonalbayes.simulate.callfiles import Call, Segment, write_ascat, write_battenberg, write_caveman, write_pindel
from clonalbayes.simulate.drivers import place_drivers
from clonalbayes.simulate.eventfiles import write_events
from clonalbayes.simulate.fragments import Fragments, Library, draw_fragments, write_reference
from clonalbayes.simulate.genome import ARMS, Copies, count_copies
from clonalbayes.simulate.miniature import Miniature, arm_span, draw_miniature, draw_places
from clonalbayes.simulate.noise import draw_noise, noise_model
from clonalbayes.simulate.patient import PURITY_SD, Blueprint, Reads, draw_clones, make_truth, molecules
from clonalbayes.simulate.reads import beta_parameters
from clonalbayes.simulate.record import GERMLINE, NOISE, Truth
from clonalbayes.simulate.spectra import draw_channels
from clonalbayes.simulate.switch import CLONES, GROUPS, ORIGIN_DATE, SEX, TREATMENTS, switch_blueprint
from clonalbayes.specs import load

RUN_FILE, TRUTH = "run.toml", "truth.json"
MIN_ALT = 5
"""Molecules that a caller needs to see."""

ASCAT_SAMPLES = ("D1", "D2")
"""Samples whose copy number is written as ASCAT writes it; the others have Battenberg's files."""

CRAM_SAMPLES = ("R2",)
SMALLEST_STATE = 0.08
"""A copy-number state of a smaller share of the tumour cells is not called."""

PANEL_DEPTH = 40.0
ASMD, POOR_ASMD = 144.0, 118.0
"""Alignment scores that are stated of true variants, and of half of the artefacts."""


@dataclass(frozen=True)
class Drawn:
    """Everything about the patient but the files.

    Attributes
    ----------
    genome
        Reference and sites.
    clone
        [N] clone of each site, -1 artefact, -2 germline.
    vaf
        [N, S] chance that a molecule carries it.
    copies
        Copies in the cells of each clone.
    truth
        What was drawn.
    purity
        [S] as stated, with its error.
    contexts
        [N] trinucleotide context of each mutation; "" for indels.
    """

    genome: Miniature
    clone: np.ndarray
    vaf: np.ndarray
    copies: Copies
    truth: Truth
    purity: np.ndarray
    contexts: list[str]


def write_example(
    folder: Path,
    n_mutations: int = 1400,
    *,
    depth: float = 100.0,
    panel: int = 6,
    seed: int = 1,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Write the files of a patient.

    Parameters
    ----------
    folder
        Where to; made if it is not there.
    n_mutations
        Sites, artefacts and germline variants included; at most 3,000.
    depth
        Mean depth of a diploid place.
    panel
        Unmatched normals to write; 0 = no panel.
    seed
        Seed of the draw.
    say
        Called with a line about each file.

    Returns
    -------
    pathlib.Path
        The `run.toml`.

    Raises
    ------
    InputError
        If the sizes are out of range.
    """
    if not 60 <= n_mutations <= 3000:
        raise fail("example", "the number of mutations is out of range", "Ask for 60 to 3,000.", value=str(n_mutations))
    if not 20 <= depth <= 1000:
        raise fail("example", "the depth is out of range", "Ask for 20 to 1,000.", value=str(depth))
    rng = np.random.default_rng(seed)
    blueprint = switch_blueprint()
    drawn = _draw(blueprint, Reads(n_mutations, depth, 0.04, 0.05, 0.0, 500.0, MIN_ALT), rng)
    folder.mkdir(parents=True, exist_ok=True)
    write_reference(folder / "reference.fa", drawn.genome.reference)
    samples = [_write_sample(folder, blueprint, drawn, s, depth, rng, say) for s in range(len(blueprint.samples))]
    events = write_events(folder, blueprint, drawn.truth, drawn.genome.variants, depth, rng)
    normals = _write_panel(folder, drawn, panel, rng, say) if panel else []
    run = folder / RUN_FILE
    run.write_text(run_text(samples, normals, [path.name for path in events]), encoding="utf-8")
    text = json.dumps(_truth_table(blueprint, drawn), indent=1)
    (folder / TRUTH).write_text(text + "\n", encoding="utf-8")
    return run


def _draw(blueprint: Blueprint, reads: Reads, rng: np.random.Generator) -> Drawn:
    """Draw genome, clones and molecules."""
    clone, places = draw_clones(blueprint, reads, rng), draw_places(reads.n_mutations, rng)
    drivers, clone = place_drivers(blueprint.drivers, blueprint.names, clone, places.arm)
    hits = drivers[drivers >= 0].tolist()
    channels, made_by = draw_channels(blueprint.signatures, blueprint.exposures, clone, rng, hits)
    genome = draw_miniature(channels, places, rng)
    copies = count_copies(clone, genome.arm, blueprint.populations.parent, blueprint.events, rng, hits)
    mutated, total = molecules(blueprint, copies, clone, genome.arm)
    expected = np.clip(mutated / total, 1e-9, 1.0 - 1e-9)
    vaf = np.where(mutated > 0, rng.beta(*beta_parameters(expected, np.asarray(reads.precision))), 0.0)
    artefact = clone == NOISE
    at = np.full((int(artefact.sum()), vaf.shape[1]), round(reads.depth))
    vaf[artefact] = draw_noise(at, noise_model(load("clones")), reads.min_alt, rng)[0] / at
    purity = np.clip(blueprint.purity + PURITY_SD * rng.standard_normal(len(blueprint.purity)), 0.05, 1.0)
    truth = replace(make_truth(blueprint, reads, clone, copies.mutated, drivers), signatures=tuple(made_by))
    return Drawn(genome, clone, vaf, copies, truth, purity, channels)


def _write_sample(
    folder: Path, blueprint: Blueprint, drawn: Drawn, s: int, depth: float, rng: np.random.Generator,
    say: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    """Write reads, calls and copy number of one sample; return its table of `run.toml`."""
    name, genome = blueprint.samples[s], drawn.genome
    cells = blueprint.populations.share[:, s] * blueprint.purity[s]
    total = drawn.copies.haplotypes.sum(axis=2) @ cells + 2.0 * (1.0 - blueprint.purity[s])
    regions = [(*arm_span(arm), depth * total[a] / 2.0) for a, arm in enumerate(ARMS)]
    fragments = draw_fragments(genome.reference, genome.variants, drawn.vaf[:, s], depth, rng, regions=regions)
    reads = folder / f"{name}.{'cram' if name in CRAM_SAMPLES else 'bam'}"
    simulate_bam(reads, genome.reference, fragments, rng, sample=name, fasta=folder / "reference.fa")
    calls = _calls(drawn, fragments, depth * total[genome.arm] / 2.0)
    lengths = {contig: len(bases) for contig, bases in genome.reference.items()}
    indel = [k == "indel" for k in genome.kind]
    files = [
        write_caveman(folder / f"{name}.caveman.vcf.gz", name, lengths, [c for c, i in calls if not indel[i]]),
        write_pindel(folder / f"{name}.pindel.vcf.gz", name, lengths, [c for c, i in calls if indel[i]]),
    ]
    segments = called_segments(drawn.copies.haplotypes, blueprint.populations.share[:, s])
    write = write_ascat if name in ASCAT_SAMPLES else write_battenberg
    ploidy = float(np.mean([s.share * sum(s.first) + (1 - s.share) * sum(s.second or (0, 0)) for s in segments]))
    copy_number = write(folder, name, segments, float(drawn.purity[s]), ploidy)
    say(f"{reads.name}: {2 * len(fragments)} reads; {len(calls)} calls; {len(segments)} segments")
    return {
        "name": name, "date": blueprint.dates[s], "group": GROUPS[s], "reads": reads.name,
        "variants": [f.name for f in files], "copy_number": copy_number[0].name, "purity": copy_number[1].name,
    }  # fmt: skip


def _calls(drawn: Drawn, fragments: Fragments, depth: np.ndarray) -> list[tuple[Call, int]]:
    """Return what a caller finds in a sample, with the number of each site."""
    alt = np.bincount(fragments.carried, minlength=len(drawn.clone))
    alt = np.round(alt * 2 * fragments.library.read_length / fragments.library.insert_mean).astype(int)
    found = []
    for i in np.flatnonzero(alt >= MIN_ALT):
        poor = drawn.clone[i] == NOISE and i % 2 == 0
        reads = max(round(float(depth[i])), int(alt[i]))
        found.append((Call(drawn.genome.variants[i], int(alt[i]), reads, POOR_ASMD if poor else ASMD, 0.0), int(i)))
    return found


def called_segments(haplotypes: np.ndarray, share: np.ndarray) -> list[Segment]:
    """Segments of a sample as a caller that knows two states reports them.

    Parameters
    ----------
    haplotypes
        [arms, K, 2] copies in the cells of each clone.
    share
        [K] share of the tumour cells that are exactly this clone.
    """
    found: list[Segment] = []
    for a, arm in enumerate(ARMS):
        chrom, low, high = arm_span(arm)
        states = np.sort(haplotypes[a], axis=1)[:, ::-1]
        mass: dict[tuple[int, int], float] = {}
        for (major, minor), part in zip(states.tolist(), share.tolist(), strict=True):
            mass[major, minor] = mass.get((major, minor), 0.0) + part
        ranked = sorted(mass.items(), key=lambda item: -item[1])
        first, part = ranked[0]
        second, other = ranked[1] if len(ranked) > 1 else ((0, 0), 0.0)
        subclonal = other / (part + other) >= SMALLEST_STATE
        segment = Segment(chrom, low + 1, high, first)
        if subclonal:
            segment = segment._replace(share=part / (part + other), second=second)
        last = found[-1] if found else None
        if last and (last.chrom, last.first, last.second, last.share) == (chrom, first, segment.second, segment.share):
            found[-1] = last._replace(end=high)
        else:
            found.append(segment)
    return found


def _write_panel(
    folder: Path, drawn: Drawn, number: int, rng: np.random.Generator, say: Callable[[str], None]
) -> list[str]:
    """Write unmatched normals: no variants, the sequencer's errors only."""
    (folder / "panel").mkdir(exist_ok=True)
    names = []
    for n in range(number):
        fragments = draw_fragments(drawn.genome.reference, (), [], PANEL_DEPTH, rng, library=Library())
        path = folder / "panel" / f"normal{n + 1}.bam"
        simulate_bam(path, drawn.genome.reference, fragments, rng, sample=f"normal{n + 1}")
        names.append(f"panel/{path.name}")
    say(f"panel: {number} unmatched normals")
    return names


def run_text(samples: list[dict[str, Any]], panel: list[str], events: list[str]) -> str:
    """Write the description of the patient as TOML."""
    lines = [
        "# An example patient: simulated reads, drawn from a known tree (truth.json).",
        "# `clonalbayes check run.toml` says what would be done, `clonalbayes run run.toml` does it.", "",
        "[patient]", 'name = "lineage switch"', f'sex = "{SEX}"', f'origin_date = "{ORIGIN_DATE}"',
        'reference = "reference.fa"', "",
    ]  # fmt: skip
    for sample in samples:
        lines += ["[[sample]]", *(f"{key} = {json.dumps(value)}" for key, value in sample.items()), ""]
    for name, start, end in TREATMENTS:
        lines += ["[[treatment]]", f'name = "{name}"', f'start = "{start}"', f'end = "{end}"', ""]
    if events:
        lines += ["[events]", f"files = {json.dumps(events)}", ""]
    if panel:
        lines += ["[panel]", f"reads = {json.dumps(panel)}", ""]
    lines += ["[fit]", "seed = 1", "", "[output]", 'folder = "result"', ""]
    return "\n".join(lines)


def _truth_table(blueprint: Blueprint, drawn: Drawn) -> dict[str, Any]:
    """Return the truth as plain containers, those of `Truth.table` and what only files have."""
    ids, truth = drawn.genome.ids, drawn.truth
    return {
        **truth.table(list(blueprint.samples), ids),
        "vaf": {i: [round(float(v), 5) for v in row] for i, row in zip(ids, drawn.vaf, strict=True)},
        "context": dict(zip(ids, drawn.contexts, strict=True)),
        "exposures": {
            name: dict(zip(blueprint.signatures, row, strict=True))
            for name, row in zip(truth.names, blueprint.exposures.tolist(), strict=True)
        },
        "node_date": {name: clone.date for name, clone in CLONES.items()},
        "germline": [i for i, c in zip(ids, drawn.clone, strict=True) if c == GERMLINE],
    }
