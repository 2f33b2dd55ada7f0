"""A small software renderer of street scenes: perspective, textures, a painter's algorithm; numpy and OpenCV only."""
