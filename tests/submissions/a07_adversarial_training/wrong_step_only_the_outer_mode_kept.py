"""The mode of the network as a whole is restored, in all of its modules."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {
    "min_max_loss": {
        "        for module, mode in was:\n            module.training = mode\n": "        model.train(mode)\n",
        "    model.eval()\n": "    mode = model.training\n    model.eval()\n",
    }
}
