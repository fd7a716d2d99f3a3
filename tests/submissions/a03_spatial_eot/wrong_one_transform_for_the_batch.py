"""The transform of the first image moves all of them."""

EXPECTED = {"test_shift": 0, "test_rotate": 0}
REPLACE = {"rotate_translate": {"transforms.to(images)": "transforms[:1].expand(len(images), 3).to(images)"}}
