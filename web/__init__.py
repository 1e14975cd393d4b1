"""What speaks HTTP: the application and how it is served, by what settings it does so, and the pages for a browser."""
