"""Mutants of a planted assignment: tests that assert little let them live, tests that look kill them all."""

import json
from types import SimpleNamespace

import pytest

from advcourse.grading import mutate, mutations
from advcourse.grading.mutant_runs import CodeCell, around, verdicts
from advcourse.grading.mutant_table import report
from advcourse.grading.statements import OPERATORS
from tests.grading.small import cell

BRIGHTEN = """import torch


def brighten(images, by):
    ### BEGIN SOLUTION
    return (images + by).clamp(0, 1)
    ### END SOLUTION"""
LITTLE = "assert brighten(torch.zeros(2, 1, 1, 2), 0.25).shape == (2, 1, 1, 2)"
MORE = """for dtype in (torch.float32, torch.float64):
    images = torch.tensor([[0.0, 0.5], [0.25, 1.0]], dtype=dtype).view(2, 1, 1, 2)
    before = images.clone()
    for by in (0.25, -0.5):
        result = brighten(images, by)
        expected = torch.tensor([min(max(x + by, 0), 1) for x in before.flatten().tolist()], dtype=dtype)
        assert torch.equal(result, expected.view_as(images)) and result.dtype == dtype
        assert torch.equal(images, before) and not images.requires_grad
    leaf = images.clone().requires_grad_()
    assert brighten(leaf, 0.1).requires_grad"""


def planted(root, test):
    """A course with one assignment of one answer and one test."""
    content = [
        cell("brighten", BRIGHTEN, solution=True),
        cell("test_brighten", test, grade=True, locked=True, points=1),
    ]
    folder = root / "solutions" / "s04_bright"
    folder.mkdir(parents=True)
    notebook = {"cells": content, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "s04_bright.ipynb").write_text(json.dumps(notebook))
    return root


def run(root, *options):
    return mutate.main(["s04_bright", "--root", str(root), *options])


def excuse(root, reason, *names):
    file = root / "tests" / "submissions" / "s04_bright" / "equivalent.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"[[excused]]\nreason = {json.dumps(reason)}\nmutants = {json.dumps(names)}\n")


def test_a_test_that_asserts_little_lets_mutants_live(tmp_path, capsys):
    assert run(planted(tmp_path, LITTLE)) == 1
    said = capsys.readouterr().out
    assert "- return (images + by).clamp(0, 1)\n  + return images + by" in said
    assert "- return (images + by).clamp(0, 1)\n  + return (images - by).clamp(0, 1)" in said


def test_a_test_that_looks_kills_them_all(tmp_path, capsys):
    assert run(planted(tmp_path, MORE)) == 0
    said = capsys.readouterr().out
    assert "\n0 of " in said and "No test notices" not in said
    row = next(line.split() for line in said.splitlines() if line.startswith("brighten") and " clamp " in line)
    assert row == ["brighten", "clamp", "3", "3", "0", "0", "test_brighten", "3"]


def test_equivalent_ones_are_excused_by_name(tmp_path, capsys):
    planted(tmp_path, LITTLE)
    assert run(tmp_path, "--list") == 0
    names = capsys.readouterr().out.splitlines()
    assert "brighten | clamp | return (images + by).clamp(0, 1) -> return images + by" in names
    run(tmp_path)
    lived = [line.removeprefix("survives: ") for line in capsys.readouterr().err.splitlines()]
    excuse(tmp_path, "the planted test looks at the shape alone", *lived)
    assert run(tmp_path) == 0
    assert f"0 of {len(names) - len(lived)} survive (0.0 %), {len(lived)} are excused" in capsys.readouterr().out


def test_excuses_that_are_not_needed_are_errors(tmp_path, capsys):
    planted(tmp_path, MORE)
    killed = "brighten | clamp | return (images + by).clamp(0, 1) -> return images + by"
    excuse(tmp_path, "nobody looks", killed, "brighten | sign | a -> b")
    assert run(tmp_path) == 1
    said = capsys.readouterr().out
    assert f"excused, and killed by test_brighten: {killed}" in said
    assert "excused, and there is no such mutant: brighten | sign | a -> b" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[excused]]\nreason = " "\nmutants = ["a"]', "reason is ' ', expected why 'a' is equivalent"),
        ('[[excused]]\nreason = "r"\nmutants = ["a", "a"]', "'a' stands there twice, expected once"),
        ('[[excused]]\nmutants = ["a"]', r"expected \[\[excused\]\] with reason and mutants: 'reason'"),
        ("excused = 3", r"expected \[\[excused\]\] with reason and mutants"),
        ("=", r"expected \[\[excused\]\] with reason and mutants"),
    ],
)
def test_a_file_of_excuses_of_another_form_is_refused(tmp_path, text, message):
    (tmp_path / "equivalent.toml").write_text(text)
    with pytest.raises(ValueError, match=message):
        mutate.excuses(tmp_path / "equivalent.toml")


def test_what_there_is_not_is_named(tmp_path, capsys):
    planted(tmp_path, MORE)
    for options, message in (
        (["s05_dark", "--root", str(tmp_path)], "assignment is 's05_dark', expected one of s04_bright"),
        (["s04_bright", "--root", str(tmp_path), "--only", "darken"], "--only is 'darken', expected one of brighten"),
        (["s04_bright", "--root", str(tmp_path), "--workers", "0"], "--workers is 0, expected at least 1"),
    ):
        with pytest.raises(SystemExit):
            mutate.main(options)
        assert message in capsys.readouterr().err


def test_one_function_or_one_mutant_can_be_asked_for(tmp_path, capsys):
    planted(tmp_path, MORE)
    assert run(tmp_path, "--only", "brighten", "--named", "clamp(max=1)") == 0
    assert "0 of 1 survive" in capsys.readouterr().out


GIVEN = [
    CodeCell("setup", "import time\nstart = 1"),
    CodeCell("count", "def count(n):\n    return n", is_answer=True),
    CodeCell("other", "def other(n):\n    return start", is_answer=True),
    CodeCell("test_other", "assert other(1) == 1", is_test=True),
    CodeCell("test_count", "assert count(start) == 1", is_test=True),
]


def test_what_becomes_of_a_source():
    sources = [
        "def count(n):\n    return n * 1",
        "def count(n):\n    return 2",
        "def count(n):\n    while True: pass",
        "import os\ndef count(n):\n    os._exit(0)",
        "import sys\ndef count(n):\n    print('a word', file=sys.stderr)\n    return n",
        "def count(n):",
    ]
    lost = ["test_count (ended)"] * 2
    assert verdicts(GIVEN, "count", sources, seconds=1) == [None, "test_count", *lost, "test_count", "test_count"]


def test_a_master_that_fails_is_an_error():
    with pytest.raises(RuntimeError, match="the master fails test_count"):
        verdicts([*GIVEN[:4], CodeCell("test_count", "assert False, count", is_test=True)], "count", [])


def test_only_what_depends_on_the_answer_is_run():
    before, after = around(GIVEN, "count", GIVEN[1].source)
    assert [each.name for each in before] == ["setup"] and [each.name for each in after] == ["count", "test_count"]


# -- operators

HEAD = "def f(model, images, labels, eps, steps, generator):\n    ### BEGIN SOLUTION\n"
CHANGES = {
    "sign": {
        "return images + eps": ["return images - eps"],
        "return -images": ["return images"],
        "images += eps": ["images -= eps"],
        "return images.amax(1)": ["return images.amin(1)"],
        "g = torch.autograd.grad(loss, x)": ["g = torch.autograd.grad(-loss, x)"],
        "loss.backward()": ["(-loss).backward()"],
    },
    "norm": {
        "n = images.norm(dim=1)": ["n = images.norm(1, dim=1)", "n = images.norm(dim=1) ** 2"],
        "n = torch.linalg.vector_norm(images, 2)": ["n = torch.linalg.vector_norm(images, 1)"],
        "n = images.square()": ["n = images"],
        "n = eps ** 0.5": ["n = eps"],
    },
    "axis": {
        "n = images.sum(1)": ["n = images.sum(0)", "n = images.sum(2)"],
        "n = torch.stack(images, dim=1)": ["n = torch.stack(images, dim=0)"],
        "n = torch.cat([images], 1)": ["n = torch.cat([images], 0)"],
        "n = images.sum((1, 2))": ["n = images.sum((2,))", "n = images.sum((1,))"],
    },
    "batch-wide": {
        "n = images.amax(1)": ["n = images.amax()"],
        "n = images.sum(dim=1, keepdim=True)": ["n = images.sum()"],
        "n = images.any()": ["n = images.all()"],
        "n = images > 0": ["n = (images > 0).any().expand_as(images > 0)"],
    },
    "first only": {
        "n = images > 0": ["n = (images > 0)[:1].expand_as(images > 0)"],
        "n = labels": ["n = labels[:1].expand_as(labels)"],
    },
    "clamp": {
        "n = images.clamp(0, 1)": ["n = images", "n = images.clamp(max=1)", "n = images.clamp(min=0)"],
        "n = torch.maximum(images, eps)": ["n = images", "n = eps"],
        "for _ in range(3):\n        images = (images + eps).clamp(0, 1)": [
            "for _ in range(3): images = images + eps; images = images.clamp(0, 1)"
        ],
    },
    "detach": {
        "x = images.detach()": ["x = images"],
        "x = images.clone()": ["x = images"],
        "images.requires_grad_()": ["images"],
        "g = torch.autograd.grad(n, images, create_graph=True)": ["g = torch.autograd.grad(n, images)"],
    },
    "comparison": {
        "n = images < 0": ["n = images <= 0", "n = images > 0"],
        "n = labels == 0": ["n = labels != 0"],
        "n = eps is None": ["n = eps is not None"],
    },
    "logic": {
        "n = a & b": ["n = a | b", "n = a", "n = b"],
        "n = a and b": ["n = a or b"],
        "n = ~images": ["n = images"],
        "n = a if b else eps": ["n = a", "n = eps"],
    },
    "dtype": {
        "n = images.double()": ["n = images"],
        "n = eps.to(images)": ["n = eps"],
        "n = torch.zeros(3, dtype=torch.float64)": ["n = torch.zeros(3)", "n = torch.zeros(3, dtype=torch.float32)"],
        "return images": ["return images.float()", "return images.double()"],
    },
    "off by one": {
        "for i in range(steps): pass": ["for i in range(steps - 1): pass", "for i in range(1, steps): pass"],
        "n = images[0]": ["n = images[-1]", "n = images[1]"],
        "n = images[:, 1:]": ["n = images[:, 0:]", "n = images[:, 2:]"],
    },
    "reduction": {
        "n = F.cross_entropy(a, labels, reduction='sum')": ["n = F.cross_entropy(a, labels, reduction='mean')"],
        "n = images.sum(1)": ["n = images.mean(1)"],
        "n = images.var(0)": ["n = images.std(0)", "n = images.var(0, correction=0)"],
    },
    "probabilities": {
        "n = model(images)": ["n = model(images).softmax(1)"],
        "n = F.cross_entropy(a, labels)": ["n = F.cross_entropy(a.softmax(1), labels)"],
    },
    "ranking": {
        "n = images.argmax(1)": ["n = images.argmin(1)"],
        "n = images.argsort(1)": ["n = images.argsort(1, descending=True)"],
        "n = images.topk(3)": ["n = images.topk(3, largest=False)"],
    },
    "arithmetic": {
        "n = eps * 3": ["n = eps / 3"],
        "n = eps / 3": ["n = eps * 3", "n = eps // 3"],
        "n = steps // 2": ["n = steps / 2"],
        "n = eps ** 2": ["n = eps * 2"],
    },
    "constant": {
        "n = 3": ["n = 4", "n = 2"],
        "n = 0.5": ["n = 1.0", "n = 0.25", "n = 1.5"],
        "n = True": ["n = False"],
    },
    "swap": {
        "n = g(a, b, c)": ["n = g(b, a, c)", "n = g(a, c, b)"],
        "return (a, b)": ["return (b, a)"],
        "n = images - eps": ["n = eps - images"],
    },
    "term": {"n = images + eps * 2": ["n = images", "n = eps * 2", "n = images + eps", "n = images + 2"]},
    "random": {
        "n = torch.rand(3, generator=generator)": [
            "n = torch.rand(3)",
            "n = torch.randn(3, generator=generator)",
            "torch.manual_seed(0); n = torch.rand(3, generator=generator)",
            "generator.manual_seed(0); n = torch.rand(3, generator=generator)",
        ],
    },
    "deleted": {
        "n = 1\n    n += 2": ["pass"],
        "n = 1\n    if eps: n = 2": ["pass", "n = 2"],
        "images[0] = 1": ["pass"],
    },
    "going on": {
        "for i in a:\n        if b: break": ["pass", "continue", "if not b: break"],
    },
    "graph": {
        "with torch.no_grad(): n = model(images)": ["n = model(images)"],
        "return images.square()": ["return images.square().detach()"],
        "return images.detach()": ["return images.detach().requires_grad_()"],
    },
    "overwritten": {
        "return images * 2": [
            "result = images * 2; images.data.zero_(); return result",
            "result = images * 2; images.requires_grad_(); return result",
        ],
    },
    "gradients": {
        "(g,) = torch.autograd.grad(loss, x)": ["loss.backward(); g = x.grad"],
        "return images": ["result = images; model.requires_grad_(False); return result"],
    },
    "mode": {
        "model.eval()": ["model.train()"],
        "n = model(images)": ["model.eval(); n = model(images)", "model.train(); n = model(images)"],
        "return images": ["result = images; model.eval(); return result"],
    },
}


def changed(operator, body):
    source = f"{HEAD}    {body}\n    ### END SOLUTION"
    return mutations.mutants(source, {operator: OPERATORS[operator]}, "f")


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_operator_changes_what_it_says(operator):
    for body, expected in CHANGES[operator].items():
        found = [each.after for each in changed(operator, body)]
        assert set(expected) <= set(found), f"{body} becomes {found}"


def test_nothing_is_changed_outside_of_the_solution():
    source = f"{HEAD}    n = 1\n    ### END SOLUTION\n    n = 2"
    assert {each.before for each in mutations.mutants(source, OPERATORS)} == {"n = 1"}
    assert mutations.mutants("def f():\n    return 1 + 2", OPERATORS) == []


def test_every_mutant_is_another_program_with_a_name_of_its_own():
    source = f"{HEAD}    n = images.sum(1)\n    n = images.sum(1)\n    return n + eps\n    ### END SOLUTION"
    found = mutations.mutants(source, OPERATORS, "cell")
    assert len({each.source for each in found}) == len({each.name for each in found}) == len(found)
    assert "f | axis | n = images.sum(1) -> n = images.sum(0) (2)" in {each.name for each in found}
    assert {(each.cell, each.function) for each in found} == {("cell", "f")}
    assert [each.line for each in found] == sorted(each.line for each in found)
    for each in found:
        compile(each.source, "mutant", "exec")


def test_methods_are_named_with_their_class():
    source = "class A:\n    def f(self, x):\n        ### BEGIN SOLUTION\n        return 2 * x\n        ### END SOLUTION"
    assert {each.function for each in mutations.mutants(source, OPERATORS)} == {"A.f"}


def test_an_answer_that_is_no_python_is_refused():
    with pytest.raises(ValueError, match="the answer f is something else, expected Python"):
        mutations.mutants("def f(", OPERATORS, "f")


def test_the_share_is_of_those_that_are_not_excused():
    def result(killed_by, reason=None):
        mutant = SimpleNamespace(function="f", operator="sign", diff=lambda: "line 1")
        return SimpleNamespace(mutant=mutant, killed_by=killed_by, reason=reason)

    said = report("a", [result("t"), result("t"), result("u"), result(None), result(None, "equal")])
    assert "1 of 4 survive (25.0 %), 1 are excused" in said
    assert "t 2, u 1" in said
