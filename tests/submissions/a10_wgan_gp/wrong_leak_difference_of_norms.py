"""A difference of norms."""

EXPECTED = {"test_leak": 0}
REPLACE = {
    "leak": {
        ("(total - torch.stack(own)).flatten(1).norm(dim=1)"): (
            "(total.flatten(1).norm(dim=1) - torch.stack(own).flatten(1).norm(dim=1)).abs()"
        ),
    },
}
