"""Each pixel gets the mean of what is given back, not the sum."""

EXPECTED = {"test_shake_transpose": 0}
REPLACE = {
    "shake_transpose": {
        "    return total": (
            "    ones = torch.zeros_like(gradients)\n"
            "    for (down, along), weight in zip(moves, weights, strict=True):\n"
            "        i, j = (rows + down).clamp(0, len(rows) - 1), (columns + along).clamp(0, "
            "len(columns) - 1)\n"
            "        ones.index_add_(3, j, torch.zeros_like(gradients).index_add_(2, i, weight * "
            "torch.ones_like(gradients)))\n"
            "    return total / torch.where(ones.abs() > 1e-12, ones, 1.0)"
        ),
    },
}
