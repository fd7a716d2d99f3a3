"""The logit of the target alone."""

EXPECTED = {"test_eot_gradient": 0}
REPLACE = {
    "eot_gradient": {
        ("lead = own - logits.scatter(1, targets[:, None], -torch.inf).amax(1, keepdim=True)"): "lead = own"
    },
}
