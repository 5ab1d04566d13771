"""The page of a result: well-formed, harmless, complete, the same each time."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from report_fixtures import HOSTILE, make_result

import clonalbayes.report.data as packing
from clonalbayes.cli import main
from clonalbayes.faults import InputError
from clonalbayes.report import page, svg, words, write_report
from clonalbayes.report.events import place_events, read_table_of_events
from clonalbayes.report.figures import marked
from clonalbayes.report.sections import SECTIONS, table

pytest.importorskip("matplotlib").use("Agg")
VOID = {"meta", "input", "br", "img", "link", "hr"}


class Reader(HTMLParser):
    """Collects what a browser would make of a page, and complains of tags that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.ids, self.attributes, self.texts = [], [], [], [], []
        self.scripts = 0
        self.feed(text)
        self.close()
        assert self.open == [], self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        self.scripts += tag == "script" and dict(attrs).get("type") is None
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    return make_result(tmp_path_factory.mktemp("plain") / "result")


@pytest.fixture(scope="module")
def text(plain) -> str:
    return write_report(plain).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("hostile")
    ids = [f"chr1:{100 + i}:{HOSTILE[i % 4]}" for i in range(29)]
    described = {
        "patient": HOSTILE[1],
        "samples": [{"name": n, "date": HOSTILE[0], "group": HOSTILE[2]} for n in HOSTILE],
    }
    result = make_result(folder / "result", HOSTILE, mutations=ids, run_file=described, verdict=f"chains {HOSTILE[0]}",
                         detection={"findings": [f"Clone 2 in {HOSTILE[1]}"]})  # fmt: skip
    lines = ["gene\tmutation", f"{HOSTILE[0]}\t{ids[0]}", f"{HOSTILE[1]}\t{HOSTILE[0]}"]
    (folder / "drivers.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return write_report(result, folder / "page.html", events=folder / "drivers.tsv").read_text(encoding="utf-8")


def packed_of(text: str) -> dict[str, str]:
    found = re.findall(r'<script type="text/plain" class="packed" data-name="([^"]+)">([^<]*)</script>', text)
    return {name: gzip.decompress(base64.b64decode(data)).decode("utf-8") for name, data in found}


def test_the_page_is_well_formed_and_every_id_is_there_once(text):
    reader = Reader(text)
    assert len(reader.ids) == len(set(reader.ids))
    assert {s.anchor for s in SECTIONS} | {"tables", "viewer", "card", "clones"} <= set(reader.ids)
    wanted = [value[1:] for _, name, value in reader.attributes if name == "href" and value.startswith("#")]
    wanted += [value for _, name, v in reader.attributes if name == "aria-labelledby" for value in v.split()]
    assert set(wanted) <= set(reader.ids)
    for _, name, value in reader.attributes:
        for used in re.findall(r"url\(#([^)]+)\)", value) + (
            [value[1:]] if name == "xlink:href" and value[0] == "#" else []
        ):
            assert used in reader.ids


def test_nothing_is_fetched_and_only_the_page_s_own_script_may_run(text):
    reader = Reader(text)
    assert reader.scripts == 1
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = [v for tag, name, v in reader.attributes if tag == "meta" and "default-src" in v]
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{digest}';")
    assert "http:" not in policy
    assert not {"link", "iframe", "object", "embed", "base", "form"} & set(reader.tags)
    allowed = ("#", "data:image/png;base64,")
    for tag, name, value in reader.attributes:
        if name in ("src", "href", "xlink:href", "action", "data"):
            assert value.startswith(allowed), (tag, name, value[:60])
        assert "url(http" not in value
        assert not name.startswith("on"), (tag, name)
    addresses = set(re.findall(r"https?://[^\s\"'<>]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_hostile_names_stay_text(hostile):
    reader = Reader(hostile)
    assert reader.scripts == 1
    assert "b" not in reader.tags
    assert not [tag for tag in reader.tags if tag == "img"]
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
    shown = "".join(reader.texts)
    assert "<img src=x onerror=alert(1)>" in shown  # written out, not obeyed
    island = re.search(r'<script type="application/json" id="clones">(.*?)</script>', hostile, re.DOTALL)[1]
    assert not set("<>&") & set(island)
    answers = json.loads(island)
    assert [name for name, _, _ in answers["samples"]] == list(HOSTILE)
    assert answers["patient"] == HOSTILE[1]
    assert any(event["label"].startswith(HOSTILE[0]) for clone in answers["clones"] for event in clone["events"])


def test_escaping_is_what_keeps_them_out(monkeypatch, tmp_path):
    import clonalbayes.report.sections as sections

    result = make_result(tmp_path / "result", HOSTILE)
    monkeypatch.setattr(sections, "escape", lambda text, quote=True: text)
    with pytest.raises(AssertionError):
        test_hostile_names_stay_text(write_report(result).read_text(encoding="utf-8"))


def test_a_table_comes_back_as_it_was(plain, text):
    packed = packed_of(text)
    assert packed["mutations.tsv"] == (plain / "mutations.tsv").read_text(encoding="utf-8")
    assert json.loads(packed["run.json"])["verdict"] == "converged"
    assert {"clones.tsv", "edges.tsv", "diagnostics.tsv", "tree.nwk", "trees.json"} <= set(packed)


def test_what_is_too_large_is_named_and_left_in_the_folder(plain, monkeypatch):
    monkeypatch.setattr(packing, "BUDGET", 700)
    whole = page.make_page(page.Content.of(plain))
    assert "mutations.tsv" not in packed_of(whole)
    assert "tree.nwk" in packed_of(whole)
    assert re.search(
        r"<code>mutations\.tsv</code></td><td>29 rows</td><td class=\"long\">too large for this page", whole
    )


def test_the_same_result_gives_the_same_page(plain, text):
    assert page.make_page(page.Content.of(plain)) == text


def test_the_posterior_is_opened_once(plain, monkeypatch):
    import xarray as xr

    opened, open_datatree = [], xr.open_datatree

    def count(path, **options):
        opened.append(path)
        return open_datatree(path, **options)

    monkeypatch.setattr(xr, "open_datatree", count)
    assert page.make_page(page.Content.of(plain))
    assert len(opened) == 1


def test_sections_without_input_say_why(text):
    for why in ("no signatures", "no dates of its branches", "No driver events are on the tree", "no detection.tsv"):
        assert why in text
    shown = set(re.findall(r'data-name="(\w+)"', text))
    assert {"tree", "fish", "clone_sizes", "prevalence", "heatmap", "vaf", "similarity", "copy_number", "alternatives",
            "convergence", "n_clones"} <= shown  # fmt: skip


def test_a_model_without_trees_has_a_page(tmp_path):
    result = make_result(tmp_path / "result")
    for name in ("edges.tsv", "identifiability.tsv", "trees.json", "tree.nwk"):
        (result / name).unlink()
    info = json.loads((result / "run.json").read_text(encoding="utf-8"))
    del info["trees"]
    (result / "run.json").write_text(json.dumps(info), encoding="utf-8")
    clones = pd.read_csv(result / "clones.tsv", sep="\t").drop(columns=["parent", "parent_probability"])
    clones.to_csv(result / "clones.tsv", sep="\t", index=False)
    whole = write_report(result).read_text(encoding="utf-8")
    Reader(whole)
    assert "has no trees" in whole
    assert 'data-name="fish"' not in whole
    assert "Clones of the consensus" in whole


def test_the_summary_says_how_sure(text):
    shown = re.sub(r"<[^>]+>", "", text)
    assert "4 samples, 29 mutations; clonalbayes 0.1.0, model tree 1, fitted on 2026-01-01\n" in shown
    assert "The chains agree." in shown
    assert "3 clones in the consensus" in shown
    assert "one founding clone (probability &gt; 0.999)" in shown
    assert "1 left out before it" in shown


def test_a_verdict_that_is_not_good_is_said_first(tmp_path):
    result = make_result(tmp_path / "result", verdict="not converged, chains differ by more than chance")
    whole = write_report(result).read_text(encoding="utf-8")
    assert 0 < whole.index('class="verdict bad"') < whole.index('class="findings"')
    assert "The chains do not agree" in whole


def test_numbers_in_words():
    assert words.probability(float("nan")) == "unknown"
    assert words.probability(0.9995) == "> 0.999"
    assert words.share(0.0026) == "0.26\u00a0%"
    assert words.share(float("nan")) == "unknown"
    assert words.converged("Converged; trees: ...")
    assert not words.converged("not converged")


def test_events_are_placed_by_mutation_by_samples_or_not_at_all(tmp_path):
    (tmp_path / "drivers.tsv").write_text(
        "gene\tchrom\tpos\tref\talt\tmutation\tsample\talt_count\n"
        "NRAS\tchr1\t5\tA\tT\tG12D\tD\t3\n"
        "TP53\t17\t9\tC\tT\tR248Q\tD\t3\n"
        "IKZF1\t\t\t\t\tdeletion\tR\t4\n"
        "EZH2\t\t\t\t\tdeletion\tnone\t4\n", encoding="utf-8"
    )  # fmt: skip
    labels = {"1:5:A>T": ("2", 0.97), "chr17:9:C>T": ("noise", 0.8)}
    table = read_table_of_events(tmp_path / "drivers.tsv")
    placed = place_events(table, labels, {1: {"D", "R"}, 2: {"R"}})
    assert [(e.label.split()[0], e.clone) for e in placed] == [("NRAS", 2), ("TP53", 0), ("IKZF1", 2), ("EZH2", 0)]
    assert placed[0].probability == 0.97
    assert "noise" in placed[1].how
    assert "no clone is in exactly these samples" in placed[3].how


def test_svg_of_two_figures_share_no_id_and_hold_no_comment():
    import matplotlib.pyplot as plt

    made = []
    for number in range(2):
        figure, axis = plt.subplots()
        axis.plot([0, 1], [0, 1], color="black", clip_on=True)
        axis.set_title("a -- <b> & é")
        made.append(svg.svg_of(figure, f"f{number}-", 'say "<hello>"')[0])
        plt.close(figure)
    first, second = (set(re.findall(r'\bid="([^"]+)"', text)) for text in made)
    assert first
    assert not first & second
    assert "<!--" not in made[0]
    assert "<metadata" not in made[0]
    assert 'aria-label="say &quot;&lt;hello&gt;&quot;"' in made[0]
    assert made[0].replace("f0-", "f1-") == made[1]


def test_letters_keep_their_scale():
    text = '<svg viewBox="0 0 1 1"><g transform="scale(0.015625)"><path d="M 1.23456 2"/></g></svg>'
    tidied = svg.tidy(text, "p", "t")
    assert "scale(0.015625)" in tidied
    assert 'd="M 1.23 2"' in tidied


def test_groups_that_say_nothing_are_taken_away_and_what_is_referred_to_stays():
    text = (
        '<svg viewBox="0 0 1 1"><defs><path id="a" d="M 0 0"/></defs><g id="b"><g style="fill: none"><g id="c"/>'
        '<g style="opacity: 1"/><g clip-path="url(#d)"><use xlink:href="#a"/></g></g></g><clipPath id="d"/></svg>'
    )
    tidied = svg.tidy(text, "p-", "t")
    assert tidied.count("<g") == tidied.count("</g>") == 2
    assert '<g style="fill: none"><g clip-path="url(#p-d)"><use xlink:href="#p-a"/></g></g>' in tidied
    assert set(re.findall(r'\bid="([^"]+)"', tidied)) == {"p-a", "p-d"}


def test_a_figure_that_was_laid_out_is_shown_whole():
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(3, 2), layout="constrained")
    axis.set_title("wide", loc="left")
    text, width = svg.svg_of(figure, "f-", "t")
    plt.close(figure)
    x, y, wide, tall = (float(n) for n in re.search(r'viewBox="([^"]+)"', text)[1].split())
    assert x == y < 0
    assert wide > 3 * 72
    assert tall > 2 * 72
    assert width == pytest.approx(wide * 96 / 72)


def test_long_cells_have_room_whatever_is_marked_in_them():
    text = "run with --rungs 8, or with another --seed"
    made = table(["a", "b"], [["1", marked(text)]], "c")
    assert "<td>1</td>" in made
    assert '<td class="long">run with <span class="day">--rungs 8</span>, or' in made


def test_the_command_writes_the_page_beside_the_tables_or_where_it_is_told(plain, tmp_path, capsys):
    out = tmp_path / "new" / "page.html"
    assert main(["report", str(plain), "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert main(["report", str(tmp_path)]) == 2
    assert "is not a result folder" in capsys.readouterr().err
    with pytest.raises(InputError, match="is a folder"):
        write_report(plain, tmp_path)
    with pytest.raises(InputError, match="there is no such file"):
        write_report(plain, out, events=tmp_path / "none.tsv")
    assert not list(tmp_path.glob("**/.*.part"))


def test_the_style_and_the_script_travel_with_the_package():
    for name in ("report.css", "report.js"):
        assert len(page.asset(name)) > 1000
    assert "</script" not in page.asset("report.js")
    assert "</style" not in page.asset("report.css")
