"""All images are shown to the model under all transforms."""

EXPECTED = {"test_grid_search_cost": 0}
REPLACE = {
    "grid_search": {
        (
            "            fooled = logits.argmax(1) != true[:, 0"
            "]\n            chosen[left[fooled]] = j\n           "
            " left = left[~fooled]"
        ): (
            "            fooled = (logits.argmax(1) != true[:, "
            "0]) & ~done\n            chosen[fooled] = j\n       "
            "     done = done | fooled"
        ),
        "    with torch.no_grad():": ("    done = torch.zeros_like(labels).bool()\n    with torch.no_grad():"),
        "worse = margin < smallest[left]": "worse = (margin < smallest[left]) & ~done",
    },
}
