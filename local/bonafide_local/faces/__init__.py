"""Finding, measuring and comparing faces with dlib."""
