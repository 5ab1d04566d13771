"""Every faulty input is answered by one error that names file, row and remedy; so are any bytes."""

from __future__ import annotations

import gzip
import random
import shutil
import time
from pathlib import Path

import pytest
from bad_inputs import CASES, BadInput
from good_inputs import GOOD

from clonalbayes.data.patient import Patient, read
from clonalbayes.faults import InputError

FUZZ_SECONDS = 2.5


def _options(case: BadInput, folder: Path) -> dict[str, object]:
    return {
        k: folder / v if isinstance(v, str) and v.endswith(".json") else v for k, v in case.options.items()
    }


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_faulty_input_is_named_with_row_and_remedy(case: BadInput, tmp_path: Path) -> None:
    """One InputError; its text names the file, the row at fault, what is wrong, and what to do."""
    path = case.make(tmp_path)
    with pytest.raises(InputError) as caught:
        read(path, **_options(case, tmp_path))
    text = str(caught.value)
    assert case.file in text
    for fragment in case.says:
        assert fragment in text
    if case.row is not None:
        assert any(f.file == case.file and f.row == case.row for f in caught.value.faults), text
    for fault in caught.value.faults:
        assert fault.remedy.endswith(".")
        assert len(fault.remedy) > 10
        assert not fault.message.endswith(".")


def test_there_are_enough_cases_and_no_two_alike(tmp_path: Path) -> None:
    """The table is as long as promised, and each case is its own."""
    assert len(CASES) >= 75
    assert len({c.name for c in CASES}) == len(CASES)
    for prefix in ("long", "ssm", "params", "cgpvaf", "dpclust", "counts"):
        assert sum(c.name.startswith(prefix) for c in CASES) >= 10


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_no_path_of_the_machine_is_shown(case: BadInput, tmp_path: Path) -> None:
    """Messages name files as the user knows them, not by the folder they happen to be in."""
    path = case.make(tmp_path)
    with pytest.raises(InputError) as caught:
        read(path, **_options(case, tmp_path))
    assert str(tmp_path) not in str(caught.value)


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    """Faults of different columns and rows are in one message."""
    from good_inputs import LONG, cell, long_file

    text = cell(LONG, 2, "alt_counts", "x")
    text = cell(text, 3, "minor_cn", 9)
    text = cell(text, 5, "tumour_content", 0)
    with pytest.raises(InputError) as caught:
        read(long_file(tmp_path, text))
    assert {f.row for f in caught.value.faults} == {2, 3, 5}
    assert {f.column for f in caught.value.faults} == {"alt_counts", "minor_cn", "tumour_content"}


def _mutated(data: bytes, rng: random.Random) -> bytes:
    """Change, remove, insert or double some bytes, or cut the end."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(out) or 1)
        kind = rng.randrange(6)
        if kind == 0:
            out[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del out[at : at + rng.choice((1, 1, 2, 30))]
        elif kind == 2:
            out[at:at] = rng.choice(
                (b"\t", b"\n", b",", b'"', b"-", b".", b"9", b"NA", b"\r", b"#", b"\xef\xbb\xbf", b"e9")
            )
        elif kind == 3:
            out[at:at] = out[at : at + rng.randrange(1, 40)]
        elif kind == 4:
            del out[at:]
        else:
            lines = bytes(out).split(b"\n")
            rng.shuffle(lines)
            out = bytearray(b"\n".join(lines))
    return bytes(out)


@pytest.mark.parametrize("name", list(GOOD))
def test_random_edits_give_a_patient_or_an_input_error(name: str, tmp_path: Path) -> None:
    """Nothing but a patient or an InputError comes of any bytes (fixed seed, bounded time)."""
    rng = random.Random(20_260_101 + len(name))
    clean = tmp_path / "clean"
    clean.mkdir()
    path = GOOD[name](clean)
    start = time.monotonic()
    outcomes = {"patient": 0, "error": 0}
    while time.monotonic() - start < FUZZ_SECONDS and sum(outcomes.values()) < 400:
        work = tmp_path / "work"
        shutil.copytree(clean, work)
        victim = rng.choice(sorted(p for p in work.rglob("*") if p.is_file()))
        data = _mutated(victim.read_bytes(), rng)
        victim.write_bytes(gzip.compress(data) if rng.random() < 0.1 else data)
        try:
            assert isinstance(read(work / path.relative_to(clean)), Patient)
            outcomes["patient"] += 1
        except InputError as error:
            assert error.faults
            assert str(error)
            outcomes["error"] += 1
        shutil.rmtree(work)
    assert outcomes["error"] > 0
    assert outcomes["patient"] > 0
