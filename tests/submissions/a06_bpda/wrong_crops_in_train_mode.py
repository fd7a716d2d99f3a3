"""The model is put into train mode before it is shown crops, and back at the end."""

EXPECTED = {"test_crop_gradient": 0}
REPLACE = {
    "crop_gradient": {
        "    draws = positions.shape[1]": (
            "    training = model.training\n    model.train()\n    draws = positions.shape[1]"
        ),
        "    return total / draws": "    model.train(training)\n    return total / draws",
    },
}
