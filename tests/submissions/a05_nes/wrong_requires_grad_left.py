"""A gradient is asked for of the starts, and never switched off."""

EXPECTED = {"test_shrink": 0}
REPLACE = {
    "shrink": {
        "    way = starts - images": "    starts.requires_grad_()\n    way = (starts - images).detach()",
    },
}
