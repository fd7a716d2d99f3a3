"""Of a set of classes the first one is wanted, as if the attack had one target."""

EXPECTED = {"test_hinge": 0, "test_hinge_one_class": 0}
REPLACE = {
    "hinge": {
        "logits.masked_fill(~wanted, -torch.inf).amax(1)": "logits.gather(1, wanted.int().argmax(1)[:, None])[:, 0]"
    }
}
