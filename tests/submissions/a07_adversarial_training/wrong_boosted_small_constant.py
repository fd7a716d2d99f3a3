"""A small constant in the logarithm keeps it finite, and wrong."""

EXPECTED = {"test_boosted": 0}
REPLACE = {
    "boosted": {
        "2 * whole - logits.gather(1, labels[:, None])[:, 0] - rest.logsumexp(1)": (
            "whole - logits.gather(1, labels[:, None])[:, 0] - torch.log((rest.logsumexp(1) - whole).exp() + 1e-12)"
        )
    }
}
