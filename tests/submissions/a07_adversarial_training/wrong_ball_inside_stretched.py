"""Points inside their ball are stretched to its surface."""

EXPECTED = {"test_nearest": 0}
REPLACE = {
    "nearest": {
        ("torch.where(lengths > eps, eps / lengths.clamp_min(torch.finfo(lengths.dtype).tiny), 1.0)"): (
            "eps / lengths.clamp_min(torch.finfo(lengths.dtype).tiny)"
        )
    }
}
