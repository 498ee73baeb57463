"""The exception that a fake raises to answer with a modelled AWS error."""


class ServiceError(Exception):
    """An error that the imitated service answers with.

    ``code`` is the shape name in the service's model (``InvalidParameterException``); ``message``
    is for people and never quotes a picture's text or a request's values; ``status`` is the HTTP
    status of the answer.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
