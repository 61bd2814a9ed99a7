"""What can be expected to fail about articles."""

from config.errors import ConflictError


class TagTakenError(ConflictError):
    """A tag has this name."""

    code = "tag_taken"
    detail = "A tag with this name exists."
