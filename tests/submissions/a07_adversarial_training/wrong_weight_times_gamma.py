"""γ multiplies the weight, it is not its power."""

EXPECTED = {"test_consistency": 0}
REPLACE = {
    "consistency": {
        "(gamma * (others.logsumexp(1) - clean.logsumexp(1))).exp()": (
            "gamma * (others.logsumexp(1) - clean.logsumexp(1)).exp()"
        )
    }
}
