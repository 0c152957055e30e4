"""The built-in images, and reading files out of stacked layers. Nothing is downloaded, nothing is mounted here.

An image is made once, in a directory named by a digest of what it was made from, and never changed afterwards: a
container keeps the generation that it was created from. May import msgspec, the protocol and the standard library.
"""

from engine.images.image import Graft, Image
from engine.images.store import Images, rootfs_image

__all__ = ["Graft", "Image", "Images", "rootfs_image"]
