"""Stages: kept when nothing has changed, made again when anything has."""

from __future__ import annotations

import json

import pytest

from clonalbayes.pipeline import cache
from clonalbayes.pipeline.cache import STAGE, Stages, fingerprint


def run_two(folder, settings, source, said=None):
    """Run two stages, the second of which reads the first."""
    stages = Stages(folder / "stages", (said if said is not None else []).append)
    first = stages.make(
        "first", lambda d: str((d / "a.txt").write_text(source.read_text().upper())), settings=settings, inputs=[source]
    )
    stages.make("second", lambda d: str((d / "b.txt").write_text((first / "a.txt").read_text())), after=["first"])
    return stages.done


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.txt"
    path.write_text("abc")
    return path


def test_nothing_is_redone_when_nothing_changed(tmp_path, source):
    said = []
    assert run_two(tmp_path, {"x": 1}, source) == {"first": True, "second": True}
    assert run_two(tmp_path, {"x": 1}, source, said) == {"first": False, "second": False}
    assert said == ["first: unchanged. 3", "second: unchanged. 3"]


def test_what_follows_is_redone_when_what_it_reads_has_changed(tmp_path, source):
    run_two(tmp_path, {"x": 1}, source)
    assert run_two(tmp_path, {"x": 2}, source) == {"first": True, "second": False}
    source.write_text("abd")
    assert run_two(tmp_path, {"x": 2}, source) == {"first": True, "second": True}
    assert (tmp_path / "stages" / "second" / "b.txt").read_text() == "ABD"


@pytest.mark.parametrize("damage", ["edit", "delete", "json", "keyless"])
def test_files_that_were_tampered_with_are_made_again(tmp_path, source, damage):
    run_two(tmp_path, {}, source)
    made, record = tmp_path / "stages" / "first" / "a.txt", tmp_path / "stages" / "first" / STAGE
    if damage == "edit":
        made.write_text("zzz")
    elif damage == "delete":
        made.unlink()
    elif damage == "json":
        record.write_text("{")
    else:
        record.write_text(json.dumps([1]))
    assert run_two(tmp_path, {}, source) == {"first": True, "second": False}
    assert made.read_text() == "ABC"


def test_a_stage_that_fails_leaves_nothing(tmp_path):
    stages = Stages(tmp_path / "stages", lambda line: None)

    def broken(folder):
        (folder / "half.txt").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stages.make("first", broken)
    assert list((tmp_path / "stages").iterdir()) == []


def test_a_stage_that_fails_leaves_what_was_there_before(tmp_path, source):
    run_two(tmp_path, {}, source)
    stages = Stages(tmp_path / "stages", lambda line: None)
    with pytest.raises(ZeroDivisionError):
        stages.make("first", lambda folder: str(1 / 0), settings={"new": True})
    assert (tmp_path / "stages" / "first" / "a.txt").read_text() == "ABC"


def test_stages_of_other_settings_are_forgotten(tmp_path, source):
    run_two(tmp_path, {}, source)
    stages = Stages(tmp_path / "stages")
    (stages.folder / "mine").mkdir()
    (stages.folder / ".first.1-ab.part").mkdir()
    stages.forget(["first"])
    assert sorted(p.name for p in stages.folder.iterdir()) == ["first", "mine"]


def test_large_files_are_known_by_their_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "LARGEST_HASHED", 10)
    monkeypatch.setattr(cache, "ENDS", 4)
    path = tmp_path / "large"
    path.write_bytes(b"abcdefghijklmnop")
    first = fingerprint(path)
    assert fingerprint(path) == first
    path.write_bytes(b"abcdefghijklmnoP")
    assert fingerprint(path) != first


def test_files_of_one_name_are_told_apart(tmp_path):
    paths = [tmp_path / folder / "calls.vcf" for folder in "ab"]
    for path in paths:
        path.parent.mkdir()
        path.write_text(path.parent.name)
    keys = []
    for text in ("x", "y"):
        paths[0].write_text(text)
        keys.append(Stages(tmp_path / "stages").key("sites", {}, paths, ()))
    assert keys[0] != keys[1]
