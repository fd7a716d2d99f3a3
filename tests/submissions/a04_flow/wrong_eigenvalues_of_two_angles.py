"""The cosine of twice the angle, that of a ring."""

EXPECTED = {"test_sine_transform": 0}
REPLACE = {
    "sine_transform": {"2 * torch.cos(angles)": "2 * torch.cos(2 * angles)"},
}
