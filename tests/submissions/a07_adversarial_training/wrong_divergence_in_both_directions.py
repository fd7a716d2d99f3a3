"""Both Kullback-Leibler divergences, without the mixture."""

EXPECTED = {"test_consistency": 0}
REPLACE = {
    "consistency": {
        "(p.exp() * (p - middle) + q.exp() * (q - middle)).sum(1) / 2": ("((p.exp() - q.exp()) * (p - q)).sum(1) / 2")
    }
}
