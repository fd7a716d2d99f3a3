"""The house as docs/architecture.md describes it: rooms, arrows, faces, names."""

import ast
import importlib
import json
import pkgutil
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import advcourse
from docs import architecture

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "advcourse"
ARROWS = architecture.room_arrows(PACKAGE)
ORDER = architecture.page_order()
PACKAGES = [module.name for module in pkgutil.walk_packages([str(PACKAGE)], "advcourse.") if module.ispkg]
SHAPES = {
    "FILE",
    "FOLDER",
    "card",
    "file",
    "fit",
    "load",
    "main",
    "make",
    "names",
    "save",
}  # the same verb for each kind of thing
TWINS = {"build", "fgsm", "pgd"}  # in `keras` what they are elsewhere, for another framework: the meaning is one


def planted(tmp_path, **files: str) -> Path:
    """A package ``house`` of those modules."""
    for name, source in {"__init__": "", **files}.items():
        (tmp_path / "house" / f"{name}.py").parent.mkdir(exist_ok=True)
        (tmp_path / "house" / f"{name}.py").write_text(source)
    return tmp_path / "house"


# -- arrows


def test_the_page_lists_the_rooms_that_are_there():
    assert len(ORDER) == len(set(ORDER)) and set(ORDER) == set(ARROWS)


def test_no_arrow_runs_against_the_order_of_the_page():
    assert architecture.against(ARROWS, ORDER) == []


def test_there_is_no_circle_of_rooms_nor_of_modules():
    assert architecture.circles(ARROWS) == []
    assert architecture.circles(architecture.module_arrows(PACKAGE, at_load=True)) == []


def test_the_drawing_is_of_today():
    assert architecture.DRAWING.read_text() == architecture.drawing(ARROWS, ORDER), "run python docs/architecture.py"


@pytest.mark.parametrize(
    "late",
    [
        "from house.top import x",
        "import house.top",
        "from house import top",
        "def f():\n    from house.top import x",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.top import x",
    ],
)
def test_a_planted_arrow_against_the_order_and_its_circle_are_seen(tmp_path, late):
    arrows = architecture.room_arrows(planted(tmp_path, ground=late, top="from house import ground\nx = 1\n"))
    assert architecture.against(arrows, ["ground", "top"]) == [("ground", "top")]
    assert architecture.circles(arrows) == [["ground", "top"]]


def test_what_loads_and_what_waits_are_told_apart(tmp_path):
    waiting = "def f():\n    from house import top\n"
    loading = architecture.module_arrows(planted(tmp_path, ground=waiting, top="import house.ground\n"), at_load=True)
    assert loading["ground"] == set() and loading["top"] == {"ground"}


# -- faces


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(run.stdout))


def test_evaluation_loads_no_rendering_plots_or_training():
    loaded = loaded_after("import advcourse.evaluation")
    assert "advcourse.evaluation" in loaded
    for absent in ("advcourse.rendering", "advcourse.plots", "advcourse.training", "advcourse.attacks.physical"):
        assert absent not in loaded
    assert not loaded & {"accelerate", "matplotlib", "pandas", "trimesh", "torchvision"}


def test_no_room_imports_keras_and_its_own_waits_for_a_name(monkeypatch):
    assert [room for room, targets in ARROWS.items() if "keras" in targets] == []
    assert not loaded_after("import advcourse.keras") & {"keras", "tensorflow", "jax", "torch"}
    monkeypatch.setitem(sys.modules, "keras", None)  # as where it is not installed
    monkeypatch.delitem(sys.modules, "advcourse.keras._fgsm", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"advcourse\.keras\.fgsm needs keras: pip install 'advcourse\[tf\]'"):
        advcourse.keras.fgsm  # noqa: B018
    with pytest.raises(AttributeError, match=r"module 'advcourse\.keras' has no attribute 'fgm'"):
        advcourse.keras.fgm  # noqa: B018


def test_every_room_is_there_after_one_import():
    rooms = [room for room in ORDER if room != "__main__"]
    code = f"import advcourse\nfor room in {rooms}:\n    print(eval('advcourse.' + room).__name__)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.split() == [f"advcourse.{room}" for room in rooms]
    assert set(rooms) - {"attacks.physical"} <= set(dir(advcourse))
    with pytest.raises(AttributeError, match="module 'advcourse' has no attribute 'atacks'"):
        advcourse.atacks  # noqa: B018


@pytest.mark.parametrize("name", PACKAGES)
def test_a_face_is_whole_and_hides_no_module(name):
    package = importlib.import_module(name)
    inside = {module.name for module in pkgutil.iter_modules(package.__path__)}
    public = [module for module in inside if not module.startswith("_")]
    for module in public:
        assert getattr(package, module).__name__ == f"{name}.{module}", f"{name}.{module} is hidden"
    face = getattr(package, "__all__", None)
    assert face is not None or not [module for module in inside - {"lazy"} if module.startswith("_")] or public
    for each in face or []:
        assert (name == "advcourse.keras" or hasattr(package, each)) and each in dir(package), each
        assert each not in inside, each
    tree = ast.parse(Path(package.__file__).read_text())
    late = [node for held in tree.body if isinstance(held, ast.If) for node in held.body]
    brought = {
        alias.asname or alias.name
        for node in tree.body + late
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(face or []) == sorted(brought - {"TYPE_CHECKING", "submodules", "members"})


def private_imports(source: str, room: str | None) -> list[str]:
    """Imports of another room's private modules."""
    found = re.findall(r"^\s*(?:from|import) (advcourse(?:\.\w+)*\._\w+)", source, flags=re.MULTILINE)
    found += [
        f"{module}.{name}"
        for module, names in re.findall(r"^\s*from (advcourse(?:\.\w+)*) import ([^\n(]+)", source, flags=re.MULTILINE)
        for name in re.findall(r"\b_[a-z]\w*", names)
    ]
    return [each for each in found if room is None or architecture.room_of(each.partition(".")[2]) != room]


def outsiders():
    for name, file in architecture.modules(PACKAGE).items():
        yield file, architecture.room_of(name), file.read_text()
    for folder in ("benchmarks", "docs", "course"):
        for file in (ROOT / folder).glob("*.py"):
            yield file, None, file.read_text()
    for file in [*ROOT.glob("lectures/*.ipynb"), *ROOT.glob("solutions/*/*.ipynb")]:
        cells = json.loads(file.read_text())["cells"]
        yield file, None, "\n".join("".join(cell["source"]) for cell in cells)


def test_rooms_notebooks_and_benchmarks_import_from_faces_alone():
    assert {str(file): found for file, room, source in outsiders() if (found := private_imports(source, room))} == {}
    assert private_imports("from advcourse.attacks._pgd import pgd", "plots") == ["advcourse.attacks._pgd"]
    assert private_imports("from advcourse.data import _sets", "zoo") == ["advcourse.data._sets"]
    assert private_imports("from advcourse.attacks._pgd import pgd", "attacks") == []


def test_no_public_name_is_defined_twice():
    places = defaultdict(set)
    for module, file in architecture.modules(PACKAGE).items():
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                places[node.name].add(module)
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for target in targets:
                if isinstance(target, ast.Name):
                    places[target.id].add(module)
    twice = {name: where for name, where in places.items() if len(where) > 1 and not name.startswith("_")}
    twice = {name: where for name, where in twice.items() if name not in SHAPES}
    twins = {name: {place for place in where if not place.startswith("keras.")} for name, where in twice.items()}
    assert {name: where for name, where in twice.items() if name not in TWINS or len(twins[name]) != 1} == {}


# -- docstrings and messages


def docstrings():
    for module, file in architecture.modules(PACKAGE).items():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
                yield f"{module}.{getattr(node, 'name', '')}", ast.get_docstring(node)


def foreign_markup(text: str) -> list[str]:
    """Roles, directives of formulas, LaTeX, and single backticks."""
    return re.findall(r":\w+:`|\.\. math::|\\[a-zA-Z]{2,}|(?<!`)`(?!`)[^`\n]*`(?!`)", text)


def test_docstrings_speak_one_dialect():
    assert {name: found for name, text in docstrings() if (found := foreign_markup(text))} == {}
    for other in (":func:`pgd`", "`loss` is", r"\mathrm{clamp}", ".. math:: x"):
        assert foreign_markup(other)
    assert not foreign_markup('``loss`` is ‖x‖₂ ≤ ε, as in ``"a"``')


def messages():
    """The text of every ValueError that is raised, with {} for what it holds."""
    for module, file in architecture.modules(PACKAGE).items():
        for node in ast.walk(ast.parse(file.read_text())):
            call = node.exc if isinstance(node, ast.Raise) else None
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "ValueError":
                pieces = [part for part in ast.walk(call.args[0]) if isinstance(part, ast.Constant)]
                yield f"{module}:{node.lineno}", "{}".join(str(piece.value) for piece in pieces)


def test_messages_say_what_was_expected():
    assert {place: text for place, text in messages() if not re.search(r"[,:] expected ", text)} == {}
    assert sum(1 for _ in messages()) > 80
