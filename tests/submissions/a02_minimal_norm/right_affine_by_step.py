"""The linear exercise is solved by the deep one, on a module made for it."""

EXPECTED = {}


# %% grade_id: nearest_boundary
def nearest_boundary(weight, bias, images):
    def model(x):
        return x.flatten(1) @ weight.T + bias

    distances = boundary_distances(weight, bias, images)
    nearest = distances.topk(1, dim=1, largest=False).indices[:, 0]
    z = model(images)
    normal = weight[nearest] - weight[z.argmax(1)]
    lack = z.amax(1) - z.gather(1, nearest[:, None])[:, 0]
    return (lack / (normal**2).sum(1)).view(-1, 1, 1, 1) * normal.view_as(images)
