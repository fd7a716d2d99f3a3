"""Cut from below: only draws that are won have a part."""

EXPECTED = {"test_eot_gradient": 0, "test_eot_gradient_traces": 0}
REPLACE = {
    "eot_gradient": {"clamp(max=margin)": "clamp(min=margin)"},
}
