"""The best is chosen by the stand-in, the curve by the defended model."""

EXPECTED = {"test_attack_best": 0}
REPLACE = {
    "attack_through": {
        '        loss = F.cross_entropy(logits.double(), labels, reduction="none")': (
            "        with torch.no_grad():\n"
            "            other = stand_in(x)\n"
            '        loss = F.cross_entropy(other.double(), labels, reduction="none")'
        ),
        "torch.where(fooled,": "torch.where(other.argmax(1) != labels,",
    },
}
