"""The pages, as files, as routes and in a browser."""
