"""How an image's score depends on the others, in place of how theirs depend on it."""

EXPECTED = {"test_leak": 0}
REPLACE = {
    "leak": {
        ("    return (total - torch.stack(own)).flatten(1).norm(dim=1)"): (
            "    found = [torch.autograd.grad(score, x, retain_graph=True)[0] for score in "
            "scores]\n"
            "    return torch.stack([(each.sum(0) - each[i]).norm() for i, each in "
            "enumerate(found)])"
        ),
    },
}
