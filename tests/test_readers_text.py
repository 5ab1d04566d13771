"""Bytes to tables: encodings, line ends, separators, quotes, and finding a cell again."""

from __future__ import annotations

import codecs
import gzip
from pathlib import Path

import numpy as np
import pytest
from good_inputs import write

from clonalbayes.data.readers.tables import ROW_NAMES, Stack, read_table
from clonalbayes.data.readers.text import guess_separator, header_line, read_head, read_text, split_line
from clonalbayes.faults import FaultList, InputError

TABLE = "id\tn\tx\na\t1\t0.5\nb\t2\tNA\nc\t\t2\n"


def _read(folder: Path, text: str | bytes, **options: object) -> tuple[object, FaultList]:
    faults = FaultList()
    table = read_table(read_text(write(folder / "t.tsv", text)), faults, text_columns=["id"], **options)
    return table, faults


def test_plain_and_packed_files_read_alike(tmp_path: Path) -> None:
    """Gzip is known by its first bytes, whatever the file is called."""
    plain = read_text(write(tmp_path / "a.gz", TABLE))
    packed = read_text(write(tmp_path / "b.tsv", gzip.compress(TABLE.encode())))
    assert plain.data == packed.data == TABLE.encode()
    assert plain.digest != packed.digest
    assert len(plain.digest) == 64


def test_a_utf8_mark_is_dropped(tmp_path: Path) -> None:
    """Excel's byte-order mark does not become part of the first column's name."""
    source = read_text(write(tmp_path / "a.tsv", codecs.BOM_UTF8 + TABLE.encode()))
    assert header_line(source) == (1, "id\tn\tx")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_all_systems(tmp_path: Path, end: str) -> None:
    """Windows and old Mac files have the same rows."""
    table, faults = _read(tmp_path, TABLE.replace("\n", end))
    assert len(table) == 3
    assert not len(faults)
    assert table.frame["n"].tolist()[:2] == [1, 2]


@pytest.mark.parametrize("separator", ["\t", ",", ";"])
def test_separators(tmp_path: Path, separator: str) -> None:
    """Tab, comma and semicolon are found in the header."""
    table, faults = _read(tmp_path, TABLE.replace("\t", separator))
    assert table.header == ["id", "n", "x"]
    assert not len(faults)


def test_guess_separator_prefers_tabs() -> None:
    """Commas inside tab-separated cells do not mislead."""
    assert guess_separator("a,b\tc,d,e") == "\t"
    assert guess_separator("a b c") == " "
    assert guess_separator("a;b;c,d") == ";"


def test_split_line_with_quotes() -> None:
    """Quotes are taken off; a separator inside them stays."""
    assert split_line('"a,b",c', ",") == ["a,b", "c"]
    assert split_line('"a b"  1', " ") == ["a b", "1"]
    assert split_line("a  b", " ") == ["a", "b"]
    assert split_line("a\t\tb", "\t") == ["a", "", "b"]


def test_comments_and_blank_lines_keep_the_row_numbers(tmp_path: Path) -> None:
    """Row numbers are the editor's."""
    text = "## made by hand\n#comment\n\n#id\tn\tx\na\t1\t1\n\n\t\t\nb\t2\t2\n\n"
    table, faults = _read(tmp_path, text)
    assert table.rows.tolist() == [5, 8]
    assert table.header == ["id", "n", "x"]
    assert table.text(1, "n") == "2"
    assert table.place(1) == ("t.tsv", 8)
    assert not len(faults)


def test_a_file_without_a_last_line_end(tmp_path: Path) -> None:
    """The last row counts."""
    table, _ = _read(tmp_path, TABLE.rstrip("\n"))
    assert len(table) == 3


def test_missing_words_are_missing_in_numbers_only(tmp_path: Path) -> None:
    """NA is a missing number; a minus sign is one too, but a text."""
    table, _ = _read(tmp_path, "id\tn\n-\t-\nx\tNA\n.\t.\ny\t3\n")
    assert np.isnan(table.frame["n"].to_numpy(float)).tolist() == [True, True, True, False]
    assert table.frame["id"].isna().tolist() == [False, False, True, False]


def test_quoted_tables(tmp_path: Path) -> None:
    """R's and spreadsheets' quotes are no part of the cells."""
    table, faults = _read(tmp_path, '"id","n","x"\n"a",1,"0.5"\n"b",2,\n')
    assert table.frame["id"].tolist() == ["a", "b"]
    assert table.text(0, "x") == "0.5"
    assert not len(faults)


def test_r_tables_with_a_short_header(tmp_path: Path) -> None:
    """write.table gives the row names no header."""
    table, faults = _read(tmp_path, '"A" "B"\n"r1" 1 2\n"r2" 3 4\n', row_names=True)
    assert table.header == [ROW_NAMES, "A", "B"]
    assert table.frame[ROW_NAMES].tolist() == ["r1", "r2"]
    assert table.frame["B"].tolist() == [2, 4]
    assert not len(faults)


def test_ragged_rows_are_faults_and_left_out(tmp_path: Path) -> None:
    """Too few and too many fields, with the row's number."""
    table, faults = _read(tmp_path, "id\tn\na\t1\nb\nc\t1\t2\nd\t4\n")
    assert [f.row for f in faults.faults] == [3, 4]
    assert table.frame["id"].tolist() == ["a", "d"]
    assert table.text(1, "n") == "4"


def test_only_the_columns_asked_for_are_kept(tmp_path: Path) -> None:
    """The others cost nothing."""
    table, _ = _read(tmp_path, TABLE, columns=["id", "x"])
    assert list(table.frame.columns) == ["id", "x"]


def test_renamed_columns_are_found_in_the_file(tmp_path: Path) -> None:
    """Messages speak of the file's own column names."""
    table, _ = _read(tmp_path, TABLE)
    table.rename({"depth": "n", "mutation": "id"})
    assert table.written("depth") == "n"
    assert table.text(1, "depth") == "2"
    assert "depth" in table.frame


def test_stacked_tables_know_their_files(tmp_path: Path) -> None:
    """Rows below one another keep file and line."""
    tables = []
    for name in ("one.tsv", "two.tsv"):
        tables.append(read_table(read_text(write(tmp_path / name, TABLE)), FaultList(), text_columns=["id"]))
    stack = Stack(tables)
    assert len(stack) == 6
    assert stack.place(2) == ("one.tsv", 4)
    assert stack.place(3) == ("two.tsv", 2)
    assert stack.text(4, "n") == "2"


def test_doubled_column_names_end_the_reading(tmp_path: Path) -> None:
    """Which one is meant cannot be known."""
    with pytest.raises(InputError, match="a column name occurs twice"):
        _read(tmp_path, "id\tn\tn\na\t1\t2\n")


def test_heads_of_files_that_are_no_text(tmp_path: Path) -> None:
    """A folder's other files are refused with a reason, not with an exception."""
    assert (
        read_head(write(tmp_path / "a", b"\x00\x01"))
        == "the file holds zero bytes: it is binary or UTF-16, not text"
    )
    assert read_head(write(tmp_path / "b", "")) == "it is empty"
    assert read_head(write(tmp_path / "c", gzip.compress(b"x" * 999)[:20])) == "it cannot be read or unpacked"
    head = read_head(write(tmp_path / "d", "é\n" * 90_000))
    assert not isinstance(head, str)
    assert len(head.data) <= 1 << 16


def test_head_lines(tmp_path: Path) -> None:
    """The first lines, without their ends."""
    assert read_text(write(tmp_path / "a", TABLE)).head(2) == ["id\tn\tx", "a\t1\t0.5"]


def test_stems(tmp_path: Path) -> None:
    """Sample names come from file names without suffixes."""
    assert read_text(write(tmp_path / "S1.tsv", TABLE)).stem == "S1"
    assert read_text(write(tmp_path / "S1.tumour.tsv.gz", TABLE)).stem == "S1.tumour"


QUOTED = [
    '"id"\t"n"\n"a"\t1\n"b"\t2\n',
    '"id" "n"\n"a" 1\n"b" 2\n',
    "id  n\n a   1\nb 2 \n",
    'id,n\n"a","1"\nb,2\n',
    'id,n\n"a", "1"\n"b",2\n',
]


@pytest.mark.parametrize("text", QUOTED)
def test_quotes_in_bulk_and_line_by_line_agree(tmp_path: Path, text: str) -> None:
    """The fast way is taken where it is safe, and gives the same cells."""
    table, faults = _read(tmp_path, text)
    assert table.frame["id"].tolist() == ["a", "b"]
    assert table.frame["n"].tolist() == [1, 2]
    assert not len(faults)


@pytest.mark.parametrize("cell", ['"a\tb"', '"a', 'a"', 'a"b"', '"a"b', '"a""b"', '"a"\n"', '""a""'])
def test_quotes_that_enclose_no_plain_field(tmp_path: Path, cell: str) -> None:
    """Are a fault of their row, or part of a field that can still be told; never another table."""
    table, faults = _read(tmp_path, f"id\tn\nx\t1\n{cell}\t2\ny\t3\n")
    assert table.frame["n"].tolist()[0] == 1
    assert table.frame["n"].tolist()[-1] == 3
    assert len(table) == 3 or len(faults)
    assert all(f.row in (3, 4) for f in faults.faults)
