"""The house: packaging, cheap imports, arrows between the rooms, sizes, docstrings, links, versions."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import clonalbayes

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "clonalbayes"
MODULES = sorted(PACKAGE.rglob("*.py"))
TEXTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)

# From left to right, as CONTRIBUTING.md draws it: a room may import what stands to its right.
ARROWS = (
    "cli",
    "pipeline",
    "report",
    "run",
    "plots",
    "results",
    "summaries",
    "simulate",
    "inference",
    "model",
    "timing",
    "signatures",
    "steps",
    "genotypes",
    "filters",
    "detection",
    "errors",
)
FOUNDATIONS = (
    "kernels", "data", "counting", "copynumber", "variants", "specs", "_spec_checks", "_spec_registry", "constraints",
    "faults", "intervals",
)  # fmt: skip

HEAVY = ("numpy", "scipy", "numba", "pandas", "xarray", "matplotlib", "pymc", "pytensor", "arviz", "rich")


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imported(path: Path) -> set[str]:
    """Rooms that a module imports, anywhere in it, by absolute or relative import."""
    here = ["clonalbayes", *path.relative_to(PACKAGE).with_suffix("").parts]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: -node.level]) + "." if node.level else ""
            module = (base + (node.module or "")).strip(".")
            names = [f"{module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "clonalbayes" and len(parts) > 1 and not parts[1].startswith("__"):
                found.add(parts[1])
    return found


def run_python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=120
    ).stdout


def test_importing_the_package_and_asking_for_help_loads_nothing_heavy():
    code = (
        "import sys, json, clonalbayes\n"
        "from clonalbayes.cli.parser import make_parser\n"
        "make_parser().format_help()\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    assert json.loads(run_python(code)) == []


@pytest.mark.parametrize("name", clonalbayes.__all__)
def test_every_public_name_loads_and_is_documented(name):
    value = getattr(clonalbayes, name)
    assert name in dir(clonalbayes)
    if name != "__version__":
        assert inspect.getdoc(value), name


def test_an_unknown_public_name_lists_the_valid_ones():
    with pytest.raises(AttributeError, match=r"it has: .*fit"):
        clonalbayes.fits  # noqa: B018


def test_a_public_function_wins_over_the_module_of_its_name():
    code = (
        "import clonalbayes, clonalbayes.simulate\n"
        "from clonalbayes.simulate import simulate\n"
        "print(clonalbayes.simulate is simulate)"
    )
    assert run_python(code).strip() == "True"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_one_way(path):
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    others = imported(path) - {room}
    if room in FOUNDATIONS:
        allowed = set(FOUNDATIONS)
    else:
        assert room in ARROWS, f"the room {room} is not drawn in CONTRIBUTING.md: add it here and there"
        allowed = set(FOUNDATIONS) | set(ARROWS[ARROWS.index(room) + 1 :])
    assert others <= allowed, f"{room} must not import {sorted(others - allowed)}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_stay_small_and_documented(path):
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= 450
    tree = ast.parse(source)
    assert ast.get_docstring(tree), "the module has no docstring"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.body[0].lineno + 1
            assert length <= 80, f"{node.name} has {length} lines"


def test_the_wheel_carries_the_models_as_they_are_in_the_folder(tmp_path):
    wheel_module = pytest.importorskip("hatchling.builders.wheel")
    (path,) = wheel_module.WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(path) as wheel:
        inside = {
            Path(name).name: wheel.read(name)
            for name in wheel.namelist()
            if name.startswith("clonalbayes/models/")
        }
        assert "clonalbayes/py.typed" in wheel.namelist()
        modules = {
            name for name in wheel.namelist() if name.startswith("clonalbayes/") and name.endswith(".py")
        }
    assert inside == {file.name: file.read_bytes() for file in (ROOT / "models").iterdir()}
    assert modules == {str(file.relative_to(ROOT)) for file in MODULES}


def test_the_wheel_carries_the_style_and_the_script_of_the_page(tmp_path):
    wheel_module = pytest.importorskip("hatchling.builders.wheel")
    (path,) = wheel_module.WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(path) as wheel:
        for name in ("report.css", "report.js"):
            assert wheel.read(f"clonalbayes/report/{name}") == (PACKAGE / "report" / name).read_bytes()


def test_versions_agree():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f'version: "{clonalbayes.__version__}"' in citation
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", changes, re.MULTILINE)[0] == clonalbayes.__version__


def test_every_dependency_has_a_lower_bound():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(name for names in project["optional-dependencies"].values() for name in names),
    ]
    assert wanted
    for requirement in wanted:
        assert re.fullmatch(r"[A-Za-z0-9_-]+>=[\d.]+", requirement), requirement


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_links_in_the_texts_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ")
    made = ("commands.md", "data-dictionary.md", "api.md")  # when the site is built
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if not target.startswith(("http://", "https://")) and target not in made:
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_nothing_names_a_place_of_one_machine():
    # Written in pieces, so that this file does not find itself.
    places = ["/" + "work/", "/" + "root/", "/" + "tmp/", "pypi" + ".org", "pythonhosted" + ".org"]
    files = [
        *MODULES,
        *TEXTS,
        ROOT / "run",
        ROOT / "pyproject.toml",
        ROOT / ".ci" / "run",
        *(ROOT / "models").iterdir(),
    ]
    files += [*sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "validation").rglob("*.py"))]
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert [place for place in places if place in text] == [], path


def test_the_setup_script_is_plain_shell_and_can_be_run():
    script = ROOT / "run"
    assert script.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    asked = subprocess.run([str(script), "help"], capture_output=True, text=True, check=True)
    for command in ("example", "tests", "lint", "validation", "docs"):
        assert f"./run {command}" in asked.stdout
    assert subprocess.run([str(script), "nothing"], capture_output=True, check=False).returncode == 2
