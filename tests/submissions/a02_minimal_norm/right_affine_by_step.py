"""The linear exercise is solved by the deep one, on a module made for it."""

EXPECTED = {}


# %% grade_id: nearest_boundary
def nearest_boundary(weight, bias, images, cost):
    def model(x):
        return x.flatten(1) @ weight.T + bias

    distances = boundary_distances(weight, bias, images, cost)
    distance, nearest = (each[:, 0] for each in distances.topk(1, dim=1, largest=False))
    z = model(images)
    normal = (weight[nearest] - weight[z.argmax(1)]).view_as(images)
    lack = z.amax(1) - z.gather(1, nearest[:, None])[:, 0]
    return (distance**2 / lack).view(-1, 1, 1, 1) * normal / cost
