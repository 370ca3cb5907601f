"""The state of the service in a database: keys, conversations, feedback and the audit log."""
