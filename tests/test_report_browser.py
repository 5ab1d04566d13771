"""The page in a browser: no error, nothing fetched, every figure drawn, the tree and the tables answer."""

from __future__ import annotations

import pytest
from browser import Browser, find
from report_fixtures import HOSTILE, make_result

from clonalbayes.report import write_report

pytest.importorskip("matplotlib").use("Agg")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    return {
        "plain": write_report(make_result(folder / "plain")),
        "hostile": write_report(make_result(folder / "hostile", HOSTILE, run_file={"patient": HOSTILE[1]})),
    }


@pytest.fixture(scope="module")
def browser():
    program = find()
    if program is None:
        pytest.skip("no Chromium is here")
    try:
        one = Browser(program)
    except (OSError, RuntimeError) as error:
        pytest.skip(f"Chromium does not start here: {error}")
    yield one
    one.close()


@pytest.fixture
def fresh(browser):
    browser.errors.clear()
    browser.requests.clear()
    browser.size(1280)
    return browser


def nothing_wrong(browser) -> None:
    assert browser.errors == []
    assert [url for url in browser.requests if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.parametrize("name", ["plain", "hostile"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (360, False), (360, True)])
def test_every_figure_is_drawn_and_nothing_stands_out(fresh, pages, name, width, dark):
    fresh.size(width, mobile=width < 500, dark=dark)
    fresh.open(pages[name])
    drawn = fresh.value("Array.from(document.querySelectorAll('.canvas svg'), s => s.getBoundingClientRect().height)")
    assert len(drawn) >= 11
    assert min(drawn) > 50
    assert fresh.value("document.documentElement.scrollWidth") <= width
    shades = fresh.value("getComputedStyle(document.body).backgroundColor")
    assert (int(shades[4:].split(",")[0]) < 60) == dark
    assert fresh.value("window.alerted === undefined && document.querySelectorAll('main img').length") == 0
    nothing_wrong(fresh)


def test_the_tree_answers_to_pointer_click_and_keys(fresh, pages):
    fresh.open(pages["plain"])
    title = "(document.querySelector('#card h4') || {}).textContent"
    assert fresh.value("document.querySelector('#card .hint') !== null")
    fresh.mouse('.node[data-clone="2"] circle')
    fresh.wait(f"{title} === 'Clone 2'")
    fresh.mouse('.node[data-clone="1"] circle', click=True)
    fresh.wait(f"{title} === 'Clone 1'")
    fresh.mouse('.node[data-clone="2"] circle')
    assert fresh.value(title) == "Clone 1"  # held
    assert fresh.value("document.querySelector('.node[data-clone=\"1\"]').getAttribute('aria-pressed')") == "true"
    fresh.key("Escape")
    fresh.key("ArrowDown")
    fresh.wait(f"{title} !== 'Clone 1'")
    focused = "document.activeElement.dataset.clone"
    here = fresh.value(focused)
    fresh.key("ArrowLeft")
    assert fresh.value(focused) == "1"
    fresh.key("ArrowRight")
    assert fresh.value(focused) in ("2", "3")
    fresh.key("Enter")
    assert fresh.value("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert here in ("2", "3")
    assert fresh.value("document.querySelectorAll('#card tbody tr').length") == 4
    nothing_wrong(fresh)


@pytest.mark.parametrize("old", [False, True])
def test_tables_are_shown_sorted_searched_and_turned(fresh, pages, old):
    identifier = None
    if old:  # a browser that cannot unpack by itself
        source = "delete window.DecompressionStream;"
        identifier = fresh.send("Page.addScriptToEvaluateOnNewDocument", source=source)["identifier"]
    fresh.open(pages["plain"])
    assert fresh.value("typeof DecompressionStream") == ("undefined" if old else "function")
    fresh.value("document.querySelector('[data-table=\"mutations.tsv\"]').click()")
    fresh.wait("document.querySelectorAll('#rows tbody tr').length === 29")
    first = "document.querySelector('#rows tbody td').textContent"
    assert fresh.value(first) == "chr1:100:A>T"
    fresh.value("document.querySelectorAll('#rows th button')[0].click()")
    fresh.value("document.querySelectorAll('#rows th button')[0].click()")
    assert fresh.value(first) == "chr3:126:A>T"
    fresh.value("(() => { const s = document.querySelector('#search'); s.value = 'CHR2'; "
                "s.dispatchEvent(new Event('input')); })()")  # fmt: skip
    fresh.wait("document.querySelectorAll('#rows tbody tr').length === 10")
    assert fresh.value("document.querySelector('#count').textContent") == "10 of 29 rows"
    if identifier:
        fresh.send("Page.removeScriptToEvaluateOnNewDocument", identifier=identifier)
    nothing_wrong(fresh)


def test_quoted_fields_are_read_as_they_were_written(fresh, pages):
    fresh.open(pages["hostile"])
    fresh.value("document.querySelector('[data-table=\"samples.tsv\"]').click()")
    fresh.wait("document.querySelectorAll('#rows tbody tr').length === 4")
    shown = fresh.value("Array.from(document.querySelectorAll('#rows tbody tr td:first-child'), c => c.textContent)")
    assert shown == list(HOSTILE)
    nothing_wrong(fresh)


@pytest.mark.parametrize("name", ["tree", "heatmap"])
def test_figures_are_saved_as_svg_and_png(fresh, pages, name):
    fresh.open(pages["plain"])
    fresh.value("URL.createObjectURL = (make => blob => { window.kept = blob; return make.call(URL, blob); })"
                "(URL.createObjectURL); HTMLAnchorElement.prototype.click = function () { window.saved = "
                "this.download; }")  # fmt: skip
    fresh.value(f"document.querySelector('#figure-{name} [data-save=svg]').click()")
    fresh.wait(f"window.saved === 'in.tsv_{name}.svg'")
    text = fresh.value("window.kept.text()")
    assert text.startswith("<svg")
    assert "var(" not in text
    assert (
        fresh.value("new DOMParser().parseFromString(" + repr("<a/>") + ", 'image/svg+xml').documentElement.nodeName")
        == "a"
    )
    fresh.value(f"document.querySelector('#figure-{name} [data-save=png]').click()")
    fresh.wait(f"window.saved === 'in.tsv_{name}.png'")
    assert fresh.value("window.kept.type") == "image/png"
    colours = (
        "createImageBitmap(window.kept).then(b => { const c = document.createElement('canvas'); c.width = b.width; "
        "c.height = b.height; const p = c.getContext('2d'); p.drawImage(b, 0, 0); const d = p.getImageData(0, 0, "
        "b.width, "
        "b.height).data; const s = new Set(); for (let i = 0; i < d.length; i += 40) s.add(d[i] + ',' + d[i + 1]); "
        "return [b.width, s.size]; })"
    )
    width, number = fresh.value(colours)
    assert width >= 1000
    assert number > 20
    nothing_wrong(fresh)


def test_the_page_prints(fresh, pages, tmp_path):
    fresh.open(pages["plain"])
    fresh.pdf(tmp_path / "page.pdf")
    data = (tmp_path / "page.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    assert len(data) > 30_000
    nothing_wrong(fresh)
