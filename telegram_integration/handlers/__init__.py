"""What the bot does: one small function for each thing that a person can do in the chat."""
