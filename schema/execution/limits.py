"""What one request may ask of the server. Each limit is a setting; ``server.Settings`` names them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    body_bytes: int = 1_000_000
    document_tokens: int = 5_000
    remembered_characters: int = 500_000
