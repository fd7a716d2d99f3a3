"""To the losses of the fooled a million is added, in the dtype of the images: in float32 little is left of them."""

EXPECTED = {"test_attack_best": 0}
REPLACE = {
    "attack_through": {
        "F.cross_entropy(logits.double(), labels": "F.cross_entropy(logits, labels",
        "dtype=torch.float64)": "dtype=images.dtype)",
    },
}
