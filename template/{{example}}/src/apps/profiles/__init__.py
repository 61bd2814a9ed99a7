"""What users tell about themselves: one profile each."""
