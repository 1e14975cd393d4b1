"""The pages that people open in a browser: static files, served from this origin only, without a build step."""
