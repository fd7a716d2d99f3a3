"""Where nothing is found a black image comes back."""

EXPECTED = {"test_carlini_wagner": 0}
REPLACE = {
    "carlini_wagner": {"return best": "return torch.where((attacked & least.isinf()).view(-1, 1, 1, 1), 0, best)"}
}
