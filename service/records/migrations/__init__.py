"""How the tables came to be, one step a file under `versions`; Alembic runs those that a database lacks."""
