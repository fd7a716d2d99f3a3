"""The scores are averaged before they are differentiated."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        "critic(between).sum()": "critic(between).mean()",
    },
}
