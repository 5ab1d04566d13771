"""From an input to a result folder: the target is checked first, nothing is half-written."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from clonalbayes import run
from clonalbayes.faults import InputError


def test_a_new_folder_is_a_good_target(tmp_path):
    folder = run.check_target(tmp_path / "a" / "b", force=False)
    assert folder == tmp_path / "a" / "b"
    assert not (tmp_path / "a").exists(), "checking writes nothing"


def test_an_empty_folder_is_a_good_target(tmp_path):
    (tmp_path / "result").mkdir()
    assert run.check_target(tmp_path / "result", force=False).name == "result"


def test_a_result_is_replaced_only_when_told(tmp_path):
    folder = tmp_path / "result"
    folder.mkdir()
    (folder / run.MARK).write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="--force"):
        run.check_target(folder, force=False)
    assert run.check_target(folder, force=True) == folder


@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_result_is_never_replaced(tmp_path, force):
    folder = tmp_path / "holiday"
    folder.mkdir()
    (folder / "photo.png").write_bytes(b"")
    with pytest.raises(InputError, match="not a result folder"):
        run.check_target(folder, force=force)
    with pytest.raises(InputError, match="is a file"):
        run.check_target(folder / "photo.png", force=force)


@pytest.mark.skipif(os.geteuid() == 0, reason="the super-user may write everywhere")
def test_a_place_that_cannot_be_written_is_a_fault(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="not writable"):
        run.check_target(tmp_path / "result", force=False)


def test_a_place_inside_a_file_is_a_fault(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="not writable"):
        run.check_target(tmp_path / "file" / "result", force=False)


def test_the_checkpoint_lies_beside_the_target(tmp_path):
    checkpoint = run.checkpoint_of(tmp_path / "result")
    assert checkpoint.parent == tmp_path
    assert checkpoint != run.checkpoint_of(tmp_path / "other")


def test_a_run_that_goes_on_keeps_its_seed(tmp_path):
    checkpoint = tmp_path / ".result.checkpoint"
    with checkpoint.open("wb") as file:
        np.savez(file, marks=np.frombuffer(json.dumps({"seed": "17"}).encode(), np.uint8))
    assert run.seed_of(None, checkpoint) == 17
    assert run.seed_of(3, checkpoint) == 3, (
        "what was asked for wins; the checkpoint then says that it differs"
    )


def test_a_new_run_draws_its_seed(tmp_path):
    drawn = {run.seed_of(None, None) for _ in range(5)} | {run.seed_of(None, tmp_path / "none")}
    assert len(drawn) > 1
    (tmp_path / "broken").write_bytes(b"no archive")
    assert run.seed_of(None, tmp_path / "broken") >= 0


def write_tables(folder, *, verdict, n_clones="n_clones\tprobability\n3\t0.9\n4\t0.08\n2\t0.02\n"):
    folder.mkdir()
    labels = ["1", "1", "2", "3", "noise", "germline"]
    rows = "".join(f"m{i}\t{label}\n" for i, label in enumerate(labels))
    (folder / "mutations.tsv").write_text("mutation\tclone\n" + rows, encoding="utf-8")
    (folder / "samples.tsv").write_text("sample\tpurity_mean\nA\t1\nB\t1\n", encoding="utf-8")
    (folder / "n_clones.tsv").write_text(n_clones, encoding="utf-8")
    (folder / "excluded.tsv").write_text("mutation\treason\tfile\trow\nx\tno reads\tf\t2\n", encoding="utf-8")
    (folder / "run.json").write_text(json.dumps({"verdict": verdict}), encoding="utf-8")
    return folder


def test_findings_in_one_line(tmp_path):
    folder = write_tables(tmp_path / "result", verdict="converged")
    assert run.findings(folder) == (
        "3 clones (95 %: 3-4) from 6 mutations in 2 samples, of which 1 noise and 1 germline; "
        "1 left out. Converged."
    )


def test_findings_say_what_has_not_converged(tmp_path):
    only = "n_clones\tprobability\n3\t1.0\n"
    folder = write_tables(tmp_path / "result", verdict="run longer.", n_clones=only)
    line = run.findings(folder)
    assert line.endswith("Run longer.")
    assert "(95 %: 3)" in line


def test_a_folder_below_is_named_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run._short(tmp_path / "a" / "b") == "a/b"
    assert run._short(tmp_path.parent) == str(tmp_path.parent)
