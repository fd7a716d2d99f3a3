"""The rotation of a textbook, whose second axis points up: it turns clockwise."""

EXPECTED = {"test_rotate": 0}
REPLACE = {
    "rotate_translate": {
        "cosine * right - sine * down": "cosine * right + sine * down",
        "sine * right + cosine * down": "cosine * down - sine * right",
    }
}
