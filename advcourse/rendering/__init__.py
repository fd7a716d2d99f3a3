"""Textured 3-D objects: how they are posed and lit, and a renderer that is linear in the texture.

Axes: x to the right, y up, z towards the camera, which looks at the object's centre from ``distance`` along +z.
Angles are in degrees.
"""

from advcourse.rendering._render import TexturedObject, Views, check_texture, rasterize
from advcourse.rendering._scenes import Poses, at_pose, draw_poses, rotation, soccer_ball, sphere_point

__all__ = [
    "Poses",
    "TexturedObject",
    "Views",
    "at_pose",
    "check_texture",
    "draw_poses",
    "rasterize",
    "rotation",
    "soccer_ball",
    "sphere_point",
]
