"""Each boundary's distance is what the way straight along its normal costs."""

EXPECTED = {"test_boundary_distances": 0}
REPLACE = {
    "boundary_distances": {
        "normals / cost.expand_as(images)": "normals * cost.expand_as(images)",
        "(gaps.abs() / scaled.norm(dim=2))": "(gaps.abs() * scaled.norm(dim=2) / normals.square().sum(2))",
    }
}
