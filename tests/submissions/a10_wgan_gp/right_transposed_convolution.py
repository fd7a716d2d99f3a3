"""The transpose by its formula: the transposed matrix, the transposed convolution; the critic held in one pass."""

EXPECTED = {}


# %% grade_id: spectral_norm
def spectral_norm(layer, start, steps):
    weight = layer.weight.detach()

    def forth(v):
        if weight.dim() == 2:
            return v @ weight.T
        return F.conv2d(v, weight, None, layer.stride, layer.padding)

    def back(u, shape):
        if weight.dim() == 2:
            return u @ weight
        return torch.nn.grad.conv2d_input(shape, weight, u, layer.stride, layer.padding)

    v = start / start.norm()
    for _ in range(steps):
        v = back(forth(v), v.shape)
        if v.norm() == 0:
            return torch.zeros(())
        v = v / v.norm()
    return forth(v).norm()


# %% grade_id: project
def project_(critic, shape, bound, steps, generator):
    x = torch.zeros((1, *shape), dtype=critic[[hasattr(m, "weight") for m in critic].index(True)].weight.dtype)
    for module in critic:
        if type(module) in (nn.Linear, nn.Conv2d):
            v = torch.randn(x.shape, generator=generator, dtype=x.dtype)
            module.weight.data /= max(1.0, float(spectral_norm(module, v, steps)) / bound)
        x = module(x).detach()


# %% grade_id: contraction
def contraction(gamma, step, alternating):
    # characteristic polynomial: t² - trace t + determinant
    determinant = 1 - 2 * gamma * step + (0 if alternating else step**2 / 4)
    trace = 2 - 2 * gamma * step - (step**2 / 4 if alternating else 0)
    inside = trace**2 / 4 - determinant
    return determinant**0.5 if inside < 0 else abs(trace) / 2 + inside**0.5
