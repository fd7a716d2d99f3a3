"""dx moves down and dy to the right."""

EXPECTED = {"test_shift": 0, "test_rotate": 0}
REPLACE = {"rotate_translate": {"dx, dy, angle = transforms": "dy, dx, angle = transforms"}}
