"""The angles begin with zero: the first row is zero."""

EXPECTED = {"test_sine_transform": 0}
REPLACE = {
    "sine_transform": {"angles = torch.pi * j / (n + 1)": "angles = torch.pi * (j - 1) / (n + 1)"},
}
