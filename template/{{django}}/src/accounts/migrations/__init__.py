"""The user model's history; what comes after the first is the team's."""
