"""The rates are exchanged."""

EXPECTED = {"test_steps": 0}
REPLACE = {
    "train": {
        "(critic, generator), rates": "(critic, generator), rates[::-1]",
    },
}
