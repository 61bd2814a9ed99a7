"""What a profile may hold."""

# Addresses that a browser opens and does not run.
WEBSITE = r"^https?://[^\s\x00-\x1f\x7f/?#][^\s\x00-\x1f\x7f]*$"
