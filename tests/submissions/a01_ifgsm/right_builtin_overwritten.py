"""A name of Python's own is used for the range of the contrast; the tests that follow loop nevertheless."""

EXPECTED = {}
REPLACE = {"normalized_l2": {"    return sizes[0] / sizes[1]\n": "    return sizes[0] / sizes[1]\n\n\nrange = 0\n"}}
