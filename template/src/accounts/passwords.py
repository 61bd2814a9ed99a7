"""Which passwords are good enough, and how much work their hashes are."""

SHORTEST = 12
LONGEST = 128
# Argon2id as OWASP's Password Storage Cheat Sheet has it: many may log in at once.
PASSES, KIBIBYTES, LANES = 2, 19 * 1024, 1
COMMON = ("password", "passwort", "qwerty", "letmein", "welcome", "123456", "abcdef", "iloveyou")


def fault_of(password: str, *, email: str) -> str | None:
    """Return the code of what is wrong with a new password, or None."""
    if len(password) < SHORTEST:
        return "too_short"
    if len(password) > LONGEST:
        return "too_long"
    lowered, name = password.lower(), email.partition("@")[0].lower()
    guessable = len(set(lowered)) < 5 or any(part in lowered for part in COMMON)
    return "too_common" if guessable or (len(name) > 3 and name in lowered) else None
