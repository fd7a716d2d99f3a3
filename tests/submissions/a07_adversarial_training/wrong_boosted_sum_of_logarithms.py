"""Σ log(1 - pⱼ) in place of log(1 - Σ pⱼ)."""

EXPECTED = {"test_boosted": 0}
REPLACE = {
    "boosted": {
        "2 * whole - logits.gather(1, labels[:, None])[:, 0] - rest.logsumexp(1)": (
            "whole - logits.gather(1, labels[:, None])[:, 0] - sum((logits.scatter(1, i[:, "
            "None], -math.inf).logsumexp(1) - whole) for i in wrong.topk(m, dim=1).indices.T)"
        )
    }
}
