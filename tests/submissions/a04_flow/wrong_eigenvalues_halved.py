"""1 - cos in place of 2 - 2 cos."""

EXPECTED = {"test_sine_transform": 0}
REPLACE = {
    "sine_transform": {"2 - 2 * torch.cos(angles)": "1 - torch.cos(angles)"},
}
