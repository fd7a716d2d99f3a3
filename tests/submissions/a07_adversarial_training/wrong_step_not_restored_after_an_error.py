"""After an error in the attack the network stays in eval mode."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {
    "min_max_loss": {"    try:\n        moved": "    if True:\n        moved", "    finally:\n": "    if True:\n"}
}
