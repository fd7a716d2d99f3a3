"""The root of the ratio."""

EXPECTED = {"test_noise_ratio": 0}
REPLACE = {
    "noise_ratio": {
        ("return spread / (flat.mean(0).square().sum(1) - spread / len(flat))"): (
            "return (spread / (flat.mean(0).square().sum(1) - spread / len(flat))) ** 0.5"
        )
    },
}
