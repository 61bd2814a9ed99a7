"""Development only: the embedded servers and `make run`. Not part of the image."""
