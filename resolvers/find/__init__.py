"""Find: any scrap that a guest can offer, over every field that it may be of, hiding nothing.

Source: domain.md, "Finding out". Every look-up is bounded and answered by an index; what is masked is looked up only
where the caller may see it.
"""

from .reach import owner
from .scrap import Closeness, FindField
from .search import Found, Hit, find

__all__ = ["Closeness", "FindField", "Found", "Hit", "find", "owner"]
