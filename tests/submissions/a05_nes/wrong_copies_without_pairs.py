"""Every copy has noise of its own."""

EXPECTED = {"test_rank_score": 0}
REPLACE = {
    "rank_score": {
        "copies // 2": "copies",
        "torch.cat([noise, -noise], dim=1)": "noise",
    },
}
