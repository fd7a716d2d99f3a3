"""The logits are averaged before the class is read."""

EXPECTED = {"test_judge": 0}
REPLACE = {
    "judge": {
        "correct = torch.stack([model(images).argmax(1) == labels for _ in range(draws)]).double()": (
            "mean = sum(model(images).softmax(1) for _ in range(draws))\n"
            "        correct = (mean.argmax(1) == labels).double().expand(draws, -1)"
        ),
    },
}
