"""The scores are averaged before they are differentiated."""

EXPECTED = {"test_lipschitz": 0}
REPLACE = {
    "lipschitz": {
        "critic(x).sum()": "critic(x).mean()",
    },
}
