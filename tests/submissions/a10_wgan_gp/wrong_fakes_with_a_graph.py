"""The critic's made images carry the graph of the generator."""

EXPECTED = {"test_turns": 0, "test_steps": 0, "test_average": 0}
REPLACE = {
    "train": {
        ("            with torch.no_grad():\n                fake = made(real)\n"): "            fake = made(real)\n",
    },
}
