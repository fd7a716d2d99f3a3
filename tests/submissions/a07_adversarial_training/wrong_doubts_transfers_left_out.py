"""Examples made for another network are left out."""

EXPECTED = {"test_doubts": 0}
REPLACE = {"doubts": {'~inside & (part["attack"] != "random signs")': 'part["attack"] == "black box"'}}
