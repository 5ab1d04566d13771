"""Figures of dates: what is computed, what is shown, and when there is nothing to show."""

from __future__ import annotations

import numpy as np
import pytest
from timing_case import COURSES, dated

from clonalbayes.faults import InputError
from clonalbayes.plots.registry import parts_of
from clonalbayes.plots.timing import compute_around, compute_calendar, draw_around, draw_calendar, has_splits
from clonalbayes.results import write_part
from clonalbayes.summaries.part import Part
from clonalbayes.summaries.timing import timing_rows, to_dataset
from clonalbayes.timing.calendar import Course

SEEN = (("relapse", "AML"), ("relapse",), ("AML",))


def written(folder, courses=COURSES):
    one = dated(160.0, spread=5.0, seen=SEEN, courses=courses)
    one = type(one)(**(vars(one) | {"samples": (("relapse", 500.0), ("AML", 800.0), ("AML", 900.0))}))
    tables = {"timing": timing_rows(one)} | ({"gates": [{"branch": "1"}]} if courses else {})
    write_part(Part("timing", {}, tables, {"timing": to_dataset(one)}), folder)
    return folder


def test_the_calendar_has_nodes_courses_and_samples(tmp_path):
    data = compute_calendar(written(tmp_path))
    assert data["day"].values == pytest.approx([160.0, 210.0, 220.0], abs=1.0)
    assert (data["lo"] < data["day"]).all()
    assert (data["day"] < data["hi"]).all()
    assert list(data["treatment"].values) == ["a", "b", "a"]
    assert data["sampling_day"].values.tolist() == [500.0, 800.0, 900.0]


def test_the_calendar_names_treatments_samples_and_tips(tmp_path):
    axis = draw_calendar(compute_calendar(written(tmp_path)))
    shown = {text.get_text() for text in axis.texts}
    assert shown == {"a", "b", "relapse", "AML", "1", "2 (relapse)", "3 (AML)"}
    assert len(axis.patches) == 3, "a bar a course"
    left, right = axis.get_xlim()
    assert left <= axis.get_xticks().min() <= axis.get_xticks().max() < right
    assert len(axis.lines) == 2 * 3 + 3, "bound and node of every clone, a line a sample"


def test_a_course_of_a_day_is_seen(tmp_path):
    courses = (Course("cells", 400.0, 401.0),)
    axis = draw_calendar(compute_calendar(written(tmp_path, courses)))
    left, right = axis.get_xlim()
    assert axis.patches[0].get_width() > 0.003 * (right - left)


def test_a_name_that_ends_in_a_number_is_no_second_course(tmp_path):
    courses = (Course("drug 7", 10.0, 20.0), Course("x 1", 30.0, 40.0), Course("x 2", 50.0, 60.0))
    data = compute_calendar(written(tmp_path, courses))
    assert data["treatment"].values.tolist() == ["drug 7", "x", "x"]


def test_every_split_has_a_bar_of_three_shares_for_each_course(tmp_path):
    data = compute_around(written(tmp_path))
    assert list(data["event"].values) == ["2 (relapse) | 3 (AML)"]
    assert list(data["course"].values) == ["a 1", "b", "a 2"]
    assert np.allclose(data["probability"].sum("place"), 1.0)
    assert data["probability"].values[0, 0, 1] > 0.95
    axis = draw_around(data)
    assert len(axis.patches) == 9
    assert {text.get_text() for text in axis.texts} >= {"1.00"}


def test_figures_are_offered_where_there_is_something_to_draw(tmp_path):
    assert parts_of(tmp_path) == []
    assert parts_of(written(tmp_path)) == ["calendar", "around"]
    assert has_splits(tmp_path)
    (tmp_path / "no").mkdir()
    without = written(tmp_path / "no", courses=())
    assert parts_of(without) == ["calendar"]
    assert not has_splits(without)
    with pytest.raises(InputError, match="no split and treatment"):
        compute_around(without)


def test_without_dates_it_is_told_where_to_look(tmp_path):
    with pytest.raises(InputError, match=r"run\.json says why"):
        compute_calendar(tmp_path)
