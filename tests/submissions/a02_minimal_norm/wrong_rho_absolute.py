"""Lengths that are not divided by those of the images."""

EXPECTED = {"test_rho_adv": 0}
REPLACE = {"rho_adv": {" / torch.linalg.vector_norm(images, dim=(1, 2, 3))": ""}}
