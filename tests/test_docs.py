"""The documentation: pages in step with the program, links that lead somewhere, and the checker of the site."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path

import pytest

import clonalbayes
from clonalbayes.data.registry import REGISTRY

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))


def hook(name):
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / "hooks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pages, check, maths = hook("pages"), hook("check"), hook("maths")
GENERATED = pages.generated()
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in PAGES} | GENERATED


def anchors(text):
    """Places on a page, as the site names them."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    titles = re.findall(r"^#+ +(.+?) *$", text, flags=re.MULTILINE)
    slugs = [re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", t.replace("`", "")).strip().lower()) for t in titles]
    return set(slugs) | set(re.findall(r"\{ *#([\w-]+)", text))


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_links_and_their_anchors_lead_somewhere(name):
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", TEXTS[name]):
        if target.startswith(("http://", "https://")):
            continue
        page = target or name
        assert page in TEXTS or (DOCS / page).exists(), f"{name} links to {target}"
        if anchor and page in TEXTS:
            assert anchor in anchors(TEXTS[page]), f"{name} links to {page}#{anchor}"


def test_every_page_is_in_the_navigation():
    named = set(re.findall(r"(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert named == set(TEXTS)


def test_the_command_line_page_lists_the_commands_of_the_program():
    table = set(re.findall(r"^\| `(\w+)", TEXTS["command-line.md"], flags=re.MULTILINE))
    commands = set(pages.subcommands(pages.make_parser()))
    assert commands <= table, f"not in docs/command-line.md: {commands - table}"
    told = set(re.findall(r"`clonalbayes (\w+)", "\n".join(TEXTS.values()))) - {"models", "COMMAND"}
    assert told <= commands | {"models"}, f"no such commands: {told - commands}"


def test_the_generated_pages_hold_what_the_program_has():
    assert set(re.findall(r"^\| `(\w+)` \|", GENERATED["data-dictionary.md"], flags=re.MULTILINE)) == set(REGISTRY)
    for command, parser in pages.subcommands(pages.make_parser()).items():
        assert f"## {command}\n" in GENERATED["commands.md"]
        for action in parser._actions:
            for option in action.option_strings:
                assert option in GENERATED["commands.md"]
    named = dict(re.findall(r"^::: (\S+)\n.*\n +heading: (\S+)$", GENERATED["api.md"], flags=re.MULTILINE))
    assert {n for n, (_, attribute) in clonalbayes._PUBLIC.items() if attribute} <= {
        heading.removeprefix("cb.") for heading in named.values()
    }
    for place in named:
        module, name = place.rsplit(".", 1)
        assert callable(getattr(importlib.import_module(module), name))


def test_options_that_the_texts_name_exist():
    known = set(re.findall(r"--[a-z][a-z0-9-]+", GENERATED["commands.md"]))
    elsewhere = {"--workers"}
    for name, text in TEXTS.items():
        for line in re.findall(r"clonalbayes (?:\w+) [^\n`]*", text):
            unknown = set(re.findall(r"(?<=\s)--[a-z][a-z0-9-]+", line)) - known - elsewhere
            assert not unknown, f"{name}: {line}"


def test_a_site_is_looked_at(tmp_path):
    good = '<h2 id="x">X</h2><a href="other.html#y">o</a><a href="#x">x</a><img src="a.png"><a href="https://a.b">w</a>'
    (tmp_path / "index.html").write_text(good)
    (tmp_path / "other.html").write_text('<p id="y">')
    (tmp_path / "a.png").write_text("")
    assert check.faults_of(tmp_path) == []
    bad = '<script src="https://cdn.example/x.js"></script><a href="gone.html"></a><a href="other.html#z"></a>'
    (tmp_path / "bad.html").write_text(bad + "<style>@import 'x'</style>")
    assert [line.split(" ", 1)[1].split(":")[0] for line in check.faults_of(tmp_path)] == [
        "loads https",
        "links to gone.html, which is not there",
        "links to other.html#z",
        "holds @import",
    ]
    assert check.faults_of(tmp_path / "none") != []


def test_formulas_become_mathml():
    pytest.importorskip("latex2mathml")
    text = maths.on_page_content(r'<p><span class="arithmatex">\(a &lt; b\)</span></p><code>\(x\)</code>')
    assert "<math" in text
    assert re.search(r"<mo>&(lt|#x0003C);</mo>", text), "a sign of markup stays a sign"
    assert r"\(x\)" in text
    assert 'display="block"' in maths.on_page_content('<div class="arithmatex">\\[\\frac{a}{b}\\]</div>')
