"""What is graded is not printed: not in a lecture's cell, not in a folded solution, not in the library."""

import ast

import pytest

from . import bank, twins

# Graded functions that still stand printed, and why; one that no longer does must leave this list.
EXCUSED: dict[str, str] = {
    "a01_ifgsm success_rate": "predictions in the usual words; which images count, the exercise, stands nowhere",
    "a03_spatial_eot eot_attack": "signed steps with a memory in the usual words; what is remembered stands nowhere",
}

# As the first edition of a01 graded them, and as lecture 03 then printed them.
FGSM = '''
def fgsm(model, images, labels, eps):
    """One step of size eps along the sign of the loss gradient, clamped to [0, 1]."""
    x = images.detach().clone().requires_grad_()
    loss = F.cross_entropy(model(x), labels, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x)
    return (x.detach() + eps * gradient.sign()).clamp(0, 1)
'''
NORMALIZED_L2 = """
def normalized_l2(images, adversarial):
    return (adversarial - images).flatten(1).norm(dim=1) / images.flatten(1).norm(dim=1)
"""

FGSM_BY_HAND = """
def fgsm_by_hand(net, x, y, eps):
    x = x.clone().requires_grad_()
    loss = F.cross_entropy(net(x), y, reduction="sum")
    (g,) = torch.autograd.grad(loss, x)
    return (x.detach() + eps * g.sign()).clamp(0, 1)
"""
MEASURED = """
lengths = (adversarial - x_a).flatten(1).norm(dim=1) / x_a.flatten(1).norm(dim=1)
"""

GRADED = [
    pytest.param(piece, id=piece.place.replace(" ", "-"))
    for assignment in bank.assignments()
    for piece in twins.graded(assignment).values()
]


def tree(source: str) -> tuple[str, ...]:
    return twins.nodes(ast.parse(source))


@pytest.mark.parametrize("piece", GRADED)
def test_nothing_graded_is_printed(piece):
    part, place = twins.nearest(piece.nodes, twins.printed())
    twin = part >= twins.limit(piece.nodes)
    if piece.place in EXCUSED:
        assert twin, f"{piece.place} is excused as a twin, but resembles nothing printed: take the excuse away"
    else:
        assert not twin, f"{part:.0%} of what {piece.place} grades stands in {place}"


@pytest.mark.parametrize("source, shown", [(FGSM, FGSM_BY_HAND), (NORMALIZED_L2, MEASURED)], ids=["fgsm", "l2"])
def test_the_first_edition_of_a01_was_printed_in_lecture_03(source, shown):
    assert twins.nearest(tree(source), twins.pieces("03", shown))[0] > 0.9


@pytest.mark.parametrize(
    "copy",
    [
        FGSM.replace("images", "x0").replace("gradient", "g").replace("model", "net"),
        FGSM.replace("model, images, labels, eps", "model: nn.Module, images: Tensor, labels: Tensor, *, eps: float"),
        FGSM.replace('"""One step of size eps along the sign of the loss gradient, clamped to [0, 1]."""', "pass"),
        "class Attack:\n" + "\n".join(f"    {line}" for line in FGSM.splitlines()),
        FGSM.replace("    (gradient,)", "    print(loss)\n    (gradient,)"),
        "for eps in budgets:\n" + "\n".join(FGSM.splitlines()[3:-1]) + "\n    show(x)",
    ],
    ids=["renamed", "annotated", "without docstring", "method", "with a line more", "in a loop"],
)
def test_a_copy_under_other_names_is_a_twin(copy):
    answer = tree(FGSM)
    among = [*twins.pieces("copy", copy)]
    assert twins.nearest(answer, among)[0] >= twins.limit(answer)


@pytest.mark.parametrize(
    "other",
    [
        "def fgsm(model, x, y, eps):\n    return attacks.fgsm(model, x, y, eps=eps)",
        "def l2_step(model, x, y, eps):\n    g = gradient_of(model, x, y)\n    return x + eps * g / norms(g, 'l2')",
        "def random_signs(x, eps, generator):\n"
        "    return (x + eps * torch.randn(x.shape, generator=generator).sign()).clamp(0, 1)",
    ],
)
def test_another_way_is_no_twin(other):
    answer = tree(FGSM)
    assert twins.nearest(answer, twins.pieces("other", other))[0] < twins.limit(answer)


def test_keywords_may_stand_in_any_order():
    assert tree("f(x, dim=1, keepdim=True)") == tree("f(x, keepdim=True, dim=1)")


def test_every_graded_function_is_looked_at():
    """The answers whose points hang on code: each master has some, with the names that its text states."""
    for assignment in bank.assignments():
        assert len(twins.graded(assignment)) >= 5
    assert "ifgsm" in twins.graded("a01_ifgsm")
    assert len(twins.printed()) > 500
