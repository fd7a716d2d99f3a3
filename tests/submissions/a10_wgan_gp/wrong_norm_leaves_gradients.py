"""The transpose is had by backward, which fills the gradients of the layer."""

EXPECTED = {"test_spectral_norm": 0}
REPLACE = {
    "spectral_norm": {
        (
            "            image, transpose = torch.func.vjp(lambda x: layer(x) - constant, v)\n"
            "            (v,) = transpose(image)\n"
        ): (
            "            with torch.enable_grad():\n"
            "                x = v.clone().requires_grad_()\n"
            "                image = layer(x) - constant\n"
            "                (image.square().sum() / 2).backward()\n"
            "            v = x.grad\n"
        ),
    },
}
