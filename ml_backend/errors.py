"""The two ways an act ends early that a user hears about in words."""


class Refusal(ValueError):
    """A request that cannot be carried out, told to the user as it stands: what is wrong and what to do about it.

    Everything else that is raised is a fault of the program: it is logged with its traceback and never shown.
    """


class Cancelled(Exception):
    """The user, or more urgent work, stopped a job; it is raised by the job's own progress callback."""
