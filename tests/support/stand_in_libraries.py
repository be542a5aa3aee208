"""Stand-ins for libraries that many repositories call."""

from __future__ import annotations

TORCH = """
    float16, bfloat16 = "float16", "bfloat16"
    class device(str): pass
    class cuda: is_available = staticmethod(lambda: False)
    class Generator:
        def __init__(self, device="cpu"): pass
        def manual_seed(self, seed): self.seed = seed; return self
        def initial_seed(self): return self.seed
    class Tensor(list):
        def to(self, *where): return self
    def tensor(data): return data
    def from_numpy(ndarray): return ndarray
    def stack(tensors): return Tensor(tensors)
"""


FACES = """
    import numpy as np
    from stand_in import record
    class Face(dict):
        __getattr__ = dict.__getitem__
    class FaceAnalysis:
        def __init__(self, name="buffalo_l", root="~/.insightface", allowed_modules=None, **kwargs):
            record("FaceAnalysis", name=name, root=root, modules=allowed_modules)
        def prepare(self, ctx_id, det_thresh=0.5, det_size=(640, 640)): pass
        def get(self, img, max_num=0):
            '''A small and a large face, whose embedding is the photo's colour; none in black photos, and in white
            ones only with a margin.'''
            height, width = img.shape[:2]
            colour = img[height // 2, width // 2]
            if not colour.any() or (colour.all() and colour.min() == 255 and img[0, 0, 0] == 255): return []
            def face(side, value):
                box = np.array([0, 0, side * width, side * height])
                kps = np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.3, 0.7], [0.7, 0.7]]) * (width, height)
                return Face(bbox=box, kps=kps, embedding=np.array(value))
            return [face(0.9, colour[::-1]), face(0.1, [0, 0, 0])]
"""


LOAD_IMAGE = """
    from PIL import Image
    def load_image(image): return Image.open(image).convert("RGB")
"""
