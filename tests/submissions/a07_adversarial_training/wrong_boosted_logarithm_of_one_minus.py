"""The logarithm of 1 - P, which is 0 in float32 where P rounds to 1."""

EXPECTED = {"test_boosted": 0}
REPLACE = {
    "boosted": {
        "2 * whole - logits.gather(1, labels[:, None])[:, 0] - rest.logsumexp(1)": (
            "whole - logits.gather(1, labels[:, None])[:, 0] - torch.log(1 - "
            "logits.softmax(1).gather(1, wrong.topk(m, dim=1).indices).sum(1))"
        )
    }
}
