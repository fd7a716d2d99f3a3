"""ε / ‖δ‖ with both of them zero is no number."""

EXPECTED = {"test_nearest": 0}
REPLACE = {
    "nearest": {
        ("torch.where(lengths > eps, eps / lengths.clamp_min(torch.finfo(lengths.dtype).tiny), 1.0)"): (
            "(eps / lengths).clamp(max=1.0)"
        )
    }
}
