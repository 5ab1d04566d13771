"""Fixtures that all tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# Test modules are imported one by one (importlib mode); the tables of inputs beside them are plain modules.
sys.path.insert(0, str(Path(__file__).resolve().parent))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Find the folder of real files that developers may have beside the checkout; skip without it."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data" / "formats").is_dir():
        pytest.skip("the folder of shared real files is not here")
    return folder
