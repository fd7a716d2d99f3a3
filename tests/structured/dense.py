"""Differences of an H x W image as dense matrices on the rows of pixels, written entry by entry: the oracles."""

import torch


def pixel(i, j, width):
    return i * width + j


def forward(height, width, boundary="neumann"):
    """D_x and D_y, ``(H W, H W)``: the next pixel less this one."""
    n = height * width
    d_x, d_y = torch.zeros(2, n, n, dtype=torch.float64)
    for i in range(height):
        for j in range(width):
            here = pixel(i, j, width)
            for matrix, (row, column) in ((d_x, (i, j + 1)), (d_y, (i + 1, j))):
                inside = row < height and column < width
                if inside or boundary != "neumann":
                    matrix[here, here] -= 1
                if inside or boundary == "periodic":
                    matrix[here, pixel(row % height, column % width, width)] += 1
    return d_x, d_y


def roughness(height, width, boundary="neumann"):
    """P."""
    return sum(d.T @ d for d in forward(height, width, boundary))


def central(height, width):
    """Z_x and Z_y as matrices: half the difference of the two neighbours, one-sided at the border."""
    n = height * width
    z_x, z_y = torch.zeros(2, n, n, dtype=torch.float64)
    for i in range(height):
        for j in range(width):
            left, right, up, down = max(j - 1, 0), min(j + 1, width - 1), max(i - 1, 0), min(i + 1, height - 1)
            if right > left:
                z_x[pixel(i, j, width), pixel(i, right, width)] += 1 / (right - left)
                z_x[pixel(i, j, width), pixel(i, left, width)] -= 1 / (right - left)
            if down > up:
                z_y[pixel(i, j, width), pixel(down, j, width)] += 1 / (down - up)
                z_y[pixel(i, j, width), pixel(up, j, width)] -= 1 / (down - up)
    return z_x, z_y


def flow(gradient, images, gamma, alpha=1.0, boundary="neumann"):
    """The motion field by dense solves, image by image and channel by channel."""
    count, channels, height, width = images.shape
    system = alpha * (torch.eye(height * width, dtype=torch.float64) + gamma * roughness(height, width, boundary))
    field = torch.zeros(count, 2, height, width, dtype=torch.float64)
    for k in range(count):
        for axis, matrix in enumerate(central(height, width)):
            d = sum(gradient[k, c].flatten() * (matrix @ images[k, c].flatten()) for c in range(channels))
            field[k, axis] = -torch.linalg.solve(system, d).view(height, width)
    return field


def edge_weight(image, weight, floor):
    """w of one image ``(C, H, W)``, ``(H W,)``."""
    d_x, d_y = forward(*image.shape[1:])
    strength = sum((d_x @ z).square() + (d_y @ z).square() for z in image.flatten(1))
    return {"norm": 1 / (strength + floor**2).sqrt(), "strength": 1 / (strength + floor**2)}[weight]


def photometric(image, weight, floor):
    """A of one image, ``(H W, C H W)``."""
    d_x, d_y = forward(*image.shape[1:])
    w = edge_weight(image, weight, floor)
    return torch.cat([torch.diag(w * (d_x @ z)) @ d_x + torch.diag(w * (d_y @ z)) @ d_y for z in image.flatten(1)], 1)


def smoothness(image, weight, floor):
    """L_w of one image, ``(H W, H W)``."""
    d_x, d_y = forward(*image.shape[1:])
    w = torch.diag(edge_weight(image, weight, floor))
    return d_x.T @ w @ d_x + d_y.T @ w @ d_y


def recolor(gradient, images, lam, rho, alpha, weight, floor):
    """The change of colours by dense solves of the whole system, image by image."""
    solved = []
    for g, image in zip(gradient, images, strict=True):
        a, smooth = photometric(image, weight, floor), smoothness(image, weight, floor)
        system = alpha * torch.eye(image.numel(), dtype=torch.float64) + lam * a.T @ a
        system += rho * torch.block_diag(*[smooth] * len(image))
        solved.append(torch.linalg.solve(system, g.flatten()).view_as(image))
    return torch.stack(solved)
