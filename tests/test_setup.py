"""pyproject.toml (floors), constraints.txt (tested versions) and environment.yml tell the same story."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT, TOOL = PYPROJECT["project"], PYPROJECT["tool"]
EXTRAS = PROJECT["optional-dependencies"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]


def pins(lines):
    """{name: version} of the lines ``name==version``; any other requirement is an error."""
    found = {}
    for line in lines:
        line = line.split("#")[0].strip()
        if not line or line.startswith("-"):
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.+!]+)", line)
        assert match, f"not an exact version: {line!r}"
        name = canonicalize_name(match[1])
        assert name not in found, f"{name} is pinned twice"
        found[name] = Version(match[2])
    return found


CONSTRAINTS = pins((ROOT / "constraints.txt").read_text().splitlines())
REQUIREMENTS = [
    Requirement(line)
    for lines in (PROJECT["dependencies"], *EXTRAS.values())
    for line in lines
    if line != "advcourse[serve]"  # of `test`: its tests need what the extra brings
]


def folder(package):
    return ROOT.joinpath(*package.split("."))


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_floor_is_met_by_the_tested_version(requirement):
    name = canonicalize_name(requirement.name)
    assert [part.operator for part in requirement.specifier] == [">="], "pyproject.toml holds floors only"
    assert name in CONSTRAINTS, f"{name} has no tested version in constraints.txt"
    assert CONSTRAINTS[name] in requirement.specifier


def test_environment_has_the_same_versions():
    pip_part = next(part["pip"] for part in ENVIRONMENT if isinstance(part, dict))
    assert "--constraint constraints.txt" in pip_part
    listed = pins(pip_part)
    assert "advcourse[serve]" in EXTRAS["test"]
    expected = PROJECT["dependencies"] + EXTRAS["lab"] + EXTRAS["serve"] + EXTRAS["test"]
    expected = {canonicalize_name(Requirement(line).name) for line in expected} - {"advcourse"}
    assert listed == {name: CONSTRAINTS[name] for name in expected}


def test_environment_python_is_allowed():
    python = next(part for part in ENVIRONMENT if isinstance(part, str) and part.startswith("python="))
    assert Version(python.removeprefix("python=")) >= Version(PROJECT["requires-python"].removeprefix(">="))


def test_package_data_names_every_file_that_is_not_python():
    """What an installation without a checkout (Colab) needs beside the modules."""
    patterns = TOOL["setuptools"]["package-data"]
    named = {path for package, names in patterns.items() for glob in names for path in folder(package).glob(glob)}
    there = {path for path in (ROOT / "advcourse").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert named == {path for path in there if path.suffix != ".py"}


def test_extras_are_the_five_documented():
    assert set(EXTRAS) == {"tf", "lab", "serve", "test", "bench"}


def test_makefile_peers_are_pinned():
    makefile = (ROOT / "Makefile").read_text()
    peers = re.search(r"^PEERS := .*'\^\(([a-z|-]+)\)=='", makefile, flags=re.MULTILINE)[1].split("|")
    assert "torchattacks" in peers
    assert set(peers) <= set(CONSTRAINTS)


def loaded_after(statement):
    """Names of the top-level modules in ``sys.modules`` of a new interpreter after ``statement``."""
    code = f"{statement}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(run.stdout.split())


def test_import_is_light():
    loaded = loaded_after("import advcourse")
    assert "advcourse" in loaded
    assert not loaded & {"torchvision", "tensorflow", "keras", "matplotlib", "pandas", "accelerate", "skimage"}


def test_import_adds_little_to_torch():
    """Modules, not seconds: ``import advcourse`` brings itself and at most the standard library beyond torch."""
    new = loaded_after("import advcourse") - loaded_after("import torch")
    assert new - set(sys.stdlib_module_names) == {"advcourse"}
