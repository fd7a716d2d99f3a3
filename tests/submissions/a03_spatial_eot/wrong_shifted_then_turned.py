"""The picture is shifted first and then turned about the centre, which turns the shift too."""

EXPECTED = {"test_rotate": 0}
REPLACE = {
    "rotate_translate": {
        "(width - 1) / 2 - dx": "(width - 1) / 2",
        "(height - 1) / 2 - dy": "(height - 1) / 2",
        "cosine * right - sine * down": "cosine * right - sine * down - dx",
        "sine * right + cosine * down": "sine * right + cosine * down - dy",
    }
}
