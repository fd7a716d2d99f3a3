"""Two passes, with statistics of their own."""

EXPECTED = {"test_mixed_loss": 0}
REPLACE = {
    "mixed_loss": {
        "F.cross_entropy(model(everything), answers": (
            "F.cross_entropy(torch.cat([model(e) for e in everything.split(len(images))]), answers"
        )
    }
}
