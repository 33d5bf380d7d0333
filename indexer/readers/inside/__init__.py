"""Files that hold others: archives, and messages with attachments."""
