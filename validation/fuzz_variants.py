"""Fuzzing of the readers of variants, events and references: mutated copies of every file of a folder.

Each copy is read as sites and as events (a FASTA as a reference). What comes of it must be a table that survives a
round trip, or one `InputError`: never another exception, never a hang.

    python validation/fuzz_variants.py FOLDER [--copies 300] [--seed 1]
"""

from __future__ import annotations

import argparse
import gzip
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import FrameType

import pandas as pd

from clonalbayes.faults import InputError
from clonalbayes.variants import Reference, read_events, read_sites, read_variants, write_events, write_sites
from clonalbayes.variants.packed import END, is_bgzip

LIMIT = 30
"""Seconds after which a read is a hang."""

TOKENS = (
    b"\t",
    b"\n",
    b",",
    b";",
    b":",
    b'"',
    b"-1",
    b".",
    b"NA",
    b"nan",
    b"\r",
    b"#",
    b"##",
    b"[",
    b"]",
    b"<",
    b">",
    b"|",
)
TOKENS += (b"\xef\xbb\xbf", b"1e309", b"99999999999999999999", b"chr", b"/", b"\xff", b"=", b"%", b" ", b"A" * 300)


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Change, remove, insert, double or move some bytes, fields or lines, or cut the end."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(out) + 1)
        kind = rng.randrange(9)
        if kind == 0:
            out[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del out[at : at + rng.choice((1, 1, 2, 30, 400))]
        elif kind in (2, 3):
            out[at:at] = rng.choice(TOKENS)
        elif kind == 4:
            out[at:at] = out[at : at + rng.randrange(1, 60)]
        elif kind == 5:
            del out[at:]
        else:
            out = bytearray(_lines(bytes(out), kind, rng))
    return bytes(out)


def _lines(data: bytes, kind: int, rng: random.Random) -> bytes:
    """Double, drop or exchange lines, or put a token in the place of a field of one."""
    lines = data.split(b"\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    if kind == 6:
        lines[i], lines[j] = lines[j], lines[i]
    elif kind == 7:
        lines[i : i + 1] = rng.choice(([], [lines[i], lines[i]], [lines[i], lines[j]]))
    else:
        fields = lines[i].split(b"\t")
        fields[rng.randrange(len(fields))] = rng.choice((*TOKENS, b"", b"0", b"T", rng.choice(lines)[:40]))
        lines[i] = b"\t".join(fields)
    return b"\n".join(lines)


def copy_of(path: Path, rng: random.Random) -> bytes:
    """Return a mutated copy; of a packed file the text within it, or the packed bytes, are changed."""
    stored = path.read_bytes()
    packed = stored.startswith(b"\x1f\x8b")
    if not packed or path.suffix in (".bam", ".cram") or rng.random() < 0.3:
        return mutated(stored, rng)
    text = mutated(gzip.decompress(stored), rng)
    return gzip.compress(text, 1) + (END if is_bgzip(stored) and rng.random() < 0.5 else b"")


def read(path: Path, folder: Path) -> list[str]:
    """Read a file in every way; returns what came of each. Anything but an `InputError` goes through."""
    outcomes = []
    for what in (sites, events):
        try:
            what(path, folder)
            outcomes.append("read")
        except InputError as error:
            check(error, folder)
            outcomes.append("refused")
    return outcomes


def check(error: InputError, folder: Path) -> None:
    """Raise if an error says nothing, or shows a path of the machine."""
    if not error.faults or str(folder) in str(error):
        raise AssertionError(f"a poor message: {error}")


def sites(path: Path, folder: Path) -> None:
    """Read as sites; the table must come back from its file as it was."""
    found = read_variants([path])
    if len(found):
        write_sites(found, folder / "sites.tsv")
        pd.testing.assert_frame_equal(read_sites(folder / "sites.tsv"), found.table, check_dtype=False)


def events(path: Path, folder: Path) -> None:
    """Read as events; the table must come back from its file as it was."""
    found = read_events([path])
    if len(found.table):
        write_events(found, folder / "events.tsv")
        again = read_events([folder / "events.tsv"]).table
        pd.testing.assert_frame_equal(again, found.table, check_dtype=False)


def reference(files: dict[str, bytes], folder: Path, rng: random.Random) -> list[str]:
    """Mutate one of a FASTA and its indexes, and read from it."""
    victim = rng.choice(sorted(files))
    for name, data in files.items():
        (folder / name).write_bytes(mutated(data, rng) if name == victim else data)
    try:
        genome = Reference(folder / min(files, key=len))
        for chrom in list(genome.lengths)[:3]:
            for _ in range(3):
                start = rng.randrange(genome.lengths[chrom] + 1)
                genome.fetch(chrom, start, start + 50)
        return ["read"]
    except InputError as error:
        check(error, folder)
        return ["refused"]


def _hang(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"a read took more than {LIMIT} s")


def fuzz(folder: Path, copies: int, seed: int) -> tuple[Counter[str], int]:
    """Fuzz every file of a folder; returns the outcomes and the number of failures, which are printed."""
    signal.signal(signal.SIGALRM, _hang)
    total: Counter[str] = Counter()
    failures = 0
    index = (".bai", ".tbi", ".fai", ".gzi", ".crai", ".md")
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix not in index):
        outcomes: Counter[str] = Counter()
        fasta = ".fa" in path.suffixes
        for i in range(copies // 10 if fasta else copies):
            rng = random.Random(f"{seed} {path.name} {i}")
            with tempfile.TemporaryDirectory() as work:
                signal.alarm(LIMIT)
                try:
                    outcomes.update(_once(path, Path(work), rng, fasta))
                except Exception as error:
                    failures += 1
                    print(f"FAILED {path.name} copy {i}: {type(error).__name__}: {error}"[:500])
                finally:
                    signal.alarm(0)
        print(f"{path.relative_to(folder)}: {dict(outcomes)}", flush=True)
        total += outcomes
    return total, failures


def _once(path: Path, work: Path, rng: random.Random, fasta: bool) -> list[str]:
    if fasta:
        beside = path.parent.glob(f"{path.name}*")
        return reference({p.name: p.read_bytes() for p in beside}, work, rng)
    target = work / path.name
    target.write_bytes(copy_of(path, rng))
    return read(target, work)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--copies", type=int, default=300, help="of each file (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    start = time.process_time()
    total, failures = fuzz(options.folder, options.copies, options.seed)
    print(f"{sum(total.values())} reads: {dict(total)}; {failures} failures; {time.process_time() - start:.0f} CPU s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
