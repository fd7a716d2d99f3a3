"""Detached: no gradient can flow back."""

EXPECTED = {"test_slant": 0}
REPLACE = {
    "slant_translate": {"F.grid_sample(images,": "F.grid_sample(images.detach(),"},
}
