"""Losses are added up over the batch."""

EXPECTED = {"test_steps": 0}
REPLACE = {
    "train": {
        "losses[0](critic, real, fake).mean()": "losses[0](critic, real, fake).sum()",
        "losses[1](critic, real, fake).mean()": "losses[1](critic, real, fake).sum()",
    },
}
