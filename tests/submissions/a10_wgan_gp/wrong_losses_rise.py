"""The critic climbs its loss."""

EXPECTED = {"test_steps": 0}
REPLACE = {
    "train": {
        "losses[0](critic, real, fake).mean().backward()": ("(-losses[0](critic, real, fake).mean()).backward()"),
    },
}
