"""The numbers of right images are compared, of tables with another number of images in each row."""

EXPECTED = {"test_doubts": 0}
REPLACE = {"doubts": {'a=rows["right"] / rows["n"]': 'a=rows["right"]'}}
