"""Losses are compared in float32, whatever the images are."""

EXPECTED = {"test_attack_best": 0}
REPLACE = {
    "attack_through": {
        "    strongest = torch.full((len(images),), -torch.inf, dtype=torch.float64)\n": (
            "    hit, highest = torch.zeros(len(images)).bool(), torch.full((len(images),), -torch.inf)\n"
        ),
        'F.cross_entropy(logits.double(), labels, reduction="none")': (
            'F.cross_entropy(logits.float(), labels, reduction="none")'
        ),
        "        strength = torch.where(fooled, loss + 1e6, loss)\n": "",
        "better = strength > strongest": "better = (fooled & ~hit) | ((fooled == hit) & (loss > highest))",
        "best[better], strongest = x[better], torch.maximum(strength, strongest)": (
            "best[better], highest[better], hit = x[better], loss[better], hit | fooled"
        ),
    },
}
