"""The angle goes into cos and sin in degrees."""

EXPECTED = {"test_rotate": 0}
REPLACE = {"rotate_translate": {"torch.deg2rad(angle).cos(), torch.deg2rad(angle).sin()": "angle.cos(), angle.sin()"}}
