"""WithAnyone (arXiv 2510.14975) on diffusers' FLUX classes: what it adds to FLUX, and how to attach it.

`checkpoint` loads the released identity tensors into `identity`'s modules, `attach` hooks these into a
`FluxTransformer2DModel`, `masks` says which image tokens see whom; `preprocess` cuts faces and moves boxes and
`schedule` sets up sampling as the published code does. Import these modules by name: they need torch.
"""
