"""The images are read as (N, H, W, C)."""

EXPECTED = {"test_shift": 0, "test_rotate": 0}
REPLACE = {"rotate_translate": {"images.shape[2:]": "images.shape[1:3]"}}
