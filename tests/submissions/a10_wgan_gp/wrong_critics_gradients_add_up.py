"""The gradients of the critic are never set to zero before its steps."""

EXPECTED = {"test_steps": 0}
REPLACE = {
    "train": {
        "            to_critic.zero_grad()\n": "",
    },
}
