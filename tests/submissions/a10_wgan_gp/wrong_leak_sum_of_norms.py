"""Norms of the other gradients are added up."""

EXPECTED = {"test_leak": 0}
REPLACE = {
    "leak": {
        ("    return (total - torch.stack(own)).flatten(1).norm(dim=1)"): (
            "    found = torch.stack([torch.autograd.grad(s, x, "
            "retain_graph=True)[0].flatten(1).norm(dim=1) for s in scores])\n"
            "    return found.sum(0) - found.diagonal()"
        ),
    },
}
