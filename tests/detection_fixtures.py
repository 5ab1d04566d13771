"""Simulated panels, samples and tables for the tests of errors, detection and filters."""

from __future__ import annotations

from pathlib import Path

import numpy as np

BASES = "ACGT"


def panel(
    rng: np.random.Generator,
    sites: int = 800,
    normals: int = 12,
    depth: float = 40,
    sd: float = 1.0,
    mean: float = 2e-4,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw a panel: the sites' rates, alt counts and depths."""
    rates = mean * np.exp(rng.normal(0, sd, sites) - sd**2 / 2)
    n = rng.poisson(depth, (sites, normals))
    return rates, rng.binomial(n, rates[:, None]), n


def names(number: int, rng: np.random.Generator) -> list[tuple[str, int, str, str]]:
    """Draw sites: chromosome, position, ref, alt."""
    ref = rng.integers(4, size=number)
    alt = (ref + 1 + rng.integers(3, size=number)) % 4
    return [("chr1", 1000 + 50 * i, BASES[r], BASES[a]) for i, (r, a) in enumerate(zip(ref, alt, strict=True))]


def site_id(site: tuple[str, int, str, str]) -> str:
    return f"{site[0]}:{site[1]}:{site[2]}>{site[3]}"


def write_counts(
    path: Path,
    sites: list[tuple[str, int, str, str]],
    samples: dict[str, tuple[np.ndarray, np.ndarray]],
    more: dict[str, object] | None = None,
) -> Path:
    """Write a long table as ``count`` does; `more` holds further columns, one value or an array by site."""
    more = more or {}
    header = ["mutation_id", "chrom", "pos", "ref", "alt", "sample_id", "alt_count", "ref_count", "depth", *more]
    lines = ["\t".join(header)]
    for i, site in enumerate(sites):
        for name, (alt, depth) in samples.items():
            cells = [site_id(site), *map(str, site), name, str(alt[i]), str(depth[i] - alt[i]), str(depth[i])]
            cells += [str(value[i] if isinstance(value, np.ndarray) else value) for value in more.values()]
            lines.append("\t".join(cells))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_sites(path: Path, sites: list[tuple[str, int, str, str]], clades: list[str] | None = None) -> Path:
    """Write a list of sites, with a column clade if there are clades."""
    lines = ["mutation_id" + ("\tclade" if clades else "")]
    lines += [site_id(site) + (f"\t{clades[i]}" if clades else "") for i, site in enumerate(sites)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
