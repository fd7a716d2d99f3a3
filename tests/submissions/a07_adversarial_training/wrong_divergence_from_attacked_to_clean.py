"""The Kullback-Leibler divergence the other way."""

EXPECTED = {"test_consistency": 0}
REPLACE = {
    "consistency": {"(p.exp() * (p - middle) + q.exp() * (q - middle)).sum(1) / 2": "(q.exp() * (q - p)).sum(1)"}
}
