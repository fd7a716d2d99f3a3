"""Examples made for another network pass for a white-box attack."""

EXPECTED = {"test_doubts": 0}
REPLACE = {"doubts": {'along & (mine["made_for"] == defense)': "along"}}
