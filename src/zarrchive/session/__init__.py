"""The explorer without a display: state, actions, background work, answers, the script."""

from zarrchive.session.actions import UserAction, action_from_message
from zarrchive.session.queries import Answer
from zarrchive.session.reduce import reduce
from zarrchive.session.results import Action
from zarrchive.session.script import script_of
from zarrchive.session.session import Session
from zarrchive.session.state import SessionState

__all__ = [
    "Action",
    "Answer",
    "Session",
    "SessionState",
    "UserAction",
    "action_from_message",
    "reduce",
    "script_of",
]
