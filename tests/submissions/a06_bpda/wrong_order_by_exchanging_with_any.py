"""A shuffle that exchanges each with any, not with one of those that are left: some orders come up twice as often."""

EXPECTED = {"test_crop_positions": 0}
REPLACE = {
    "crop_positions": {
        "    spots[..., 1] = ": (
            "    order, with_any = torch.arange(draws).repeat(count, 1), torch.randint(draws, (count, draws), "
            "generator=generator)\n"
            "    for i in range(draws):\n"
            "        there = order.gather(1, with_any[:, i : i + 1])\n"
            "        order = order.scatter(1, with_any[:, i : i + 1], order[:, i : i + 1].clone())\n"
            "        order[:, i : i + 1] = there\n"
            "    spots[..., 1] = "
        ),
    },
}
