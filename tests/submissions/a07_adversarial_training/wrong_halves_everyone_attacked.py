"""All images are attacked, and those that are not chosen thrown away."""

EXPECTED = {"test_mixed_loss": 0}
REPLACE = {"mixed_loss": {"attack(images[chosen], labels[chosen]).detach()": "attack(images, labels).detach()[chosen]"}}
