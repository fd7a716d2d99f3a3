"""The loss is that of the predicted class."""

EXPECTED = {"test_ascend": 0}
REPLACE = {
    "ascend": {
        'F.cross_entropy(model(x), labels, reduction="sum")': (
            'F.cross_entropy(model(x), model(x).argmax(1), reduction="sum")'
        )
    }
}
