"""The loss that is given is not used."""

EXPECTED = {"test_turn": 0}
REPLACE = {"turn": {"loss(model(x), labels).sum()": 'F.cross_entropy(model(x), labels, reduction="sum")'}}
