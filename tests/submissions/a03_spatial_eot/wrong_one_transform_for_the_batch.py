"""All images get the transform of the first."""

EXPECTED = {"test_shift": 0, "test_slant": 0}
REPLACE = {
    "slant_translate": {
        "for column in transforms.to(images).unbind(1)": (
            "for column in transforms[:1].to(images).expand(len(images), 3).unbind(1)"
        )
    },
}
