"""Treatments and dates in the Dataset."""

from __future__ import annotations

import pytest
from test_schema import dataset

from clonalbayes.data.schema import validate
from clonalbayes.data.treatments import Treatment, add_treatments, parse_date, treatments_of
from clonalbayes.faults import InputError

COURSES = [
    Treatment("thiopurine", "2012-06-01", "2014-05-30"),
    Treatment("CAR-T", "2016-11-01", "2016-11-01"),
    Treatment("thiopurine", "2015-06-01"),
]


def test_courses_come_back_in_order_of_time():
    ds = validate(add_treatments(dataset(), COURSES))
    assert treatments_of(ds) == [COURSES[0], COURSES[2], COURSES[1]]
    assert ds["treatment_end"].attrs["long_name"].startswith("last day")


def test_new_courses_replace_the_old_ones_and_none_is_none():
    ds = add_treatments(add_treatments(dataset(), COURSES), COURSES[:1])
    assert treatments_of(ds) == COURSES[:1]
    assert treatments_of(add_treatments(ds, [])) == []


@pytest.mark.parametrize(
    ("course", "says"),
    [
        (Treatment("a", "2012-06-01", "2012-05-31"), "a ends before it starts"),
        (Treatment("a", "", "2012-05-31"), "treatment_start, value '': the date cannot be read"),
        (Treatment("a", "2012-06-01", "2012-06-31"), "treatment_end, value '2012-06-31'"),
        (Treatment("", "2012-06-01"), "no name"),
    ],
)
def test_what_is_impossible_is_a_fault(course, says):
    with pytest.raises(InputError, match=says):
        add_treatments(dataset(), [course])


def test_attributes_and_half_given_treatments_are_checked():
    ds = dataset()
    ds.attrs.update(sex="m", origin_date="1.1.2001")
    with pytest.raises(InputError) as caught:
        validate(ds)
    assert [f.column for f in caught.value.faults] == ["sex", "origin_date"]
    with pytest.raises(InputError, match="of the treatments is there"):
        validate(add_treatments(dataset(), COURSES).drop_vars("treatment_end"))


@pytest.mark.parametrize("text", ["", "2015-02-29", "20150201", "2015-W06-1", "2015-2-1", "today", "2015-02-01T00"])
def test_only_whole_iso_dates_are_dates(text):
    assert parse_date(text) is None
