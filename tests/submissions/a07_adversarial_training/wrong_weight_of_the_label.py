"""The weight is p_y to the γ."""

EXPECTED = {"test_consistency": 0}
REPLACE = {
    "consistency": {
        "(gamma * (others.logsumexp(1) - clean.logsumexp(1))).exp()": (
            "(gamma * p.gather(1, labels[:, None])[:, 0]).exp()"
        )
    }
}
