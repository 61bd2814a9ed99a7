"""What can be expected to fail about accounts."""

from config.errors import ConflictError, NotAuthenticatedError


class InvalidTokenError(NotAuthenticatedError):
    """A token was shown that does not name a user of this service, or no longer."""

    code = "invalid_token"
    detail = "The bearer token is not valid, or no longer."
    challenge = 'Bearer error="invalid_token"'


class InvalidCredentialsError(NotAuthenticatedError):
    """Address and password do not belong together, or to nobody who may come in."""

    code = "invalid_credentials"
    detail = "The e-mail address or the password is wrong."


class EmailTakenError(ConflictError):
    """Somebody is registered with this address."""

    code = "email_taken"
    detail = "An account with this e-mail address exists."
