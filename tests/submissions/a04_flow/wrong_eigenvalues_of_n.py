"""The angles are multiples of pi / n."""

EXPECTED = {"test_sine_transform": 0}
REPLACE = {
    "sine_transform": {"angles = torch.pi * j / (n + 1)": "angles = torch.pi * j / n"},
}
