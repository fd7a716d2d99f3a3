"""The first channel goes down, the second one to the right."""

EXPECTED = {"test_velocity": 0}
REPLACE = {
    "velocity": {
        ("torch.stack([(right[..., :-1] + right[..., 1:]) / 2, (down[:, :-1] + down[:, 1:]) / 2], dim=1)"): (
            "torch.stack([(down[:, :-1] + down[:, 1:]) / 2, (right[..., :-1] + right[..., 1:]) / 2], dim=1)"
        )
    },
}
