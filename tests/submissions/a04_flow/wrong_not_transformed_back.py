"""The result is left in the transform."""

EXPECTED = {"test_fast_stream": 0}
REPLACE = {
    "fast_stream": {"return transform(transform(-c)": "return (transform(-c)"},
}
