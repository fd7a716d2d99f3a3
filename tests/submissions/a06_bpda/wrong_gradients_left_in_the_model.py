"""backward() fills .grad of the parameters."""

EXPECTED = {"test_attack_through": 0, "test_attack_best": 0}
REPLACE = {
    "attack_through": {
        '(slope,) = torch.autograd.grad(F.cross_entropy(stand_in(x), labels, reduction="sum"), x)': (
            'F.cross_entropy(stand_in(x), labels, reduction="sum").backward()\n            slope = x.grad'
        ),
    },
}
