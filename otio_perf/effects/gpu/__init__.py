"""The GPU engine: Taichi kernels. Nothing else imports taichi."""
