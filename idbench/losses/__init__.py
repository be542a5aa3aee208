"""Training losses for identity, differentiable, in torch: what WithAnyone trains with, on plain tensors.

One training step, with a frozen recognizer `arcface` on crops scaled to [-1, 1]::

    decoded = 127.5 * (vae.decode(clean_latent(noisy, velocity, t)) + 1)
    crops = align_faces(decoded, landmarks)                       # landmarks of the target photo
    faces = arcface((crops.flatten(0, 1) - 127.5) / 127.5).unflatten(0, landmarks.shape[:2])
    loss = diffusion + 0.1 * id_loss(faces, target, mask) + 0.1 * id_contrastive_loss(faces, reference, pool, mask)

Source: "the paper" is arXiv 2510.14975, Sec. 5.1; "the script" is train.py and withanyone/id_loss*.py of
github.com/Doby-Xu/WithAnyone (commit 0eb63d4). Where they disagree, each docstring says so, what is done
here, and how to have what the script does. Of the whole:

- weights: 0.1 each in the paper (eq. 8) and in train.sh; train.py's own defaults are 1 (ID) and 0.01 (contrastive).
- noise levels: the paper applies the ID loss at all of them; the script switches it off, see `published_gate`.
- times: the paper draws them evenly from [0, 1]; the script from 1000 steps of FLUX's schedule, shifted by
  mu = 0.63 for 512 x 512 pixels.
- precision: the script compares and aligns in bfloat16; here float32 at least, whatever comes in.
- order: the script takes generated faces as the detector lists them and does not match them to the boxes
  that order the stored embeddings; here face i of every argument is one person, see `best_order`.
- target images: train.py embeds and searches target photos in [-1, 1] where [0, 255] is expected; generated
  ones have the right scale.
"""

from idbench.losses.alignment import align_faces
from idbench.losses.flow import clean_latent, published_gate
from idbench.losses.identity import best_order, id_contrastive_loss, id_loss

__all__ = ["align_faces", "best_order", "clean_latent", "id_contrastive_loss", "id_loss", "published_gate"]
