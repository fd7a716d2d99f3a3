"""The power of the wrong classes' probabilities, which are zero in float32 where the image is sure."""

EXPECTED = {"test_consistency": 0}
REPLACE = {
    "consistency": {
        "weight = (gamma * (others.logsumexp(1) - clean.logsumexp(1))).exp()": "weight = "
        "(clean.softmax(1) * (others > -math.inf)).sum(1) ** gamma"
    }
}
