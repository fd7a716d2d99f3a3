"""1 - p_y rounds to zero where the network is sure."""

EXPECTED = {"test_consistency": 0}
REPLACE = {
    "consistency": {
        "(gamma * (others.logsumexp(1) - clean.logsumexp(1))).exp()": (
            "(1 - p.exp().gather(1, labels[:, None])[:, 0]) ** gamma"
        )
    }
}
