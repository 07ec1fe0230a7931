"""The two exceptions that end an action early for a reason that the user can understand."""


class Refusal(ValueError):
    """A request that cannot be carried out. The message is shown to the user: what is wrong, and what to do about it.

    Any other exception is a bug: it is logged with its traceback and never shown.
    """


class Cancelled(Exception):
    """The user, or more urgent work, stopped a job. The job's progress callback raises it."""
