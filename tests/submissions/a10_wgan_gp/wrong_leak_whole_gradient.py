"""The whole gradient of the sum is returned."""

EXPECTED = {"test_leak": 0}
REPLACE = {
    "leak": {
        "(total - torch.stack(own))": "total",
    },
}
