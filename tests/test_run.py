"""From an input to a result folder: the target is checked first, nothing is half-written."""

from __future__ import annotations

import os

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
