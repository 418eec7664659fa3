"""What the package is compared with: the same functions, computed the plain way."""
