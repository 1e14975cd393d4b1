"""Who visits the demo's castle: invented names, e-mails of domains that nobody owns, phone numbers kept for fiction."""

from collections import Counter
from random import Random
from typing import NamedTuple

from db.keys import key, phone_key


class Guest(NamedTuple):
    """What a shop knows of a guest, with the keys under which it is found."""

    name: str | None = None
    name_key: str | None = None
    email: str | None = None
    email_key: str | None = None
    phone: str | None = None
    phone_key: str | None = None
    language: str | None = None
    customer_no: str | None = None
    customer_key: str | None = None


NOBODY = Guest()
"""Who bought at a counter and was not asked."""


def guest(name: str, email: str, phone: str, language: str = "en", customer_no: str | None = None) -> Guest:
    """The guest of those particulars."""
    return Guest(name, key(name), email, key(email), phone, phone_key(phone), language, customer_no, key(customer_no))


ANNA_BERG = guest("Anna Berg", "anna.berg@example.com", "+46 70 174 06 05", "sv", "C-100001")
SKOVBY_SCHOOL = guest("Skovby School", "office@skovby-school.example", "+44 7700 900112", "da", "C-100002")
OF_THE_CASES = (ANNA_BERG, SKOVBY_SCHOOL)
"""Customers that buy in ``cases`` and nowhere else."""

_FIRST_NAMES = (
    "Agnes Ahmed Alma Amélie Anton Asta Åse Bram Carla Chiara Clara Daan Diego Edith Elif Ella Emil Émile Esther Eva "
    "Fatima Felix Finn Freja Frida Greta Gustav Hanna Hugo Ida Ines Ingrid Isak Ivan Jakob Jan Johanne Jonas Josefine "
    "Karl Kasia Kirsten Lars Laura Léa Leo Liam Lina Linnéa Luca Lærke Magnus Maja Malik Marek Maria Mateo Matilde Mia "
    "Mikkel Mila Nadia Nils Noah Nora Oda Olivia Omar Oskar Paula Per Petra Pia Rasmus Rosa Sára Signe Silas Sofia "
    "Søren Tereza Theo Thea Tomás Ulla Victor Vilma William Yusuf Zoë"
)
_LAST_NAMES = (
    "Aalto Andersen Bakker Bauer Becker Bergström Bianchi Carlsen Castro Dahl Dubois Eriksen Fischer Fontaine Garcia "
    "Gruber Haddad Hansen Hartmann Holm Horvat Iversen Jansen Jensen Johansson Kaya Keller Kjær Klein Kovács Krüger "
    "Lambert Larsen Lindqvist Lopes Lund Madsen Marchetti Meyer Moreau Møller Nielsen Novák Nyström Olsen Øster "
    "Pedersen Petit Poulsen Ravn Ricci Rossi Roux Santos Schmidt Silva Skov Smit Sørensen Svensson Thomsen Toft Visser "
    "Vogel Weber Winther Wójcik Demir Zimmermann"
)
_DOMAINS = ("example.com", "example.org", "example.net", "mail.example", "post.example")
_PHONES = (
    ("en", "+44 7700 900{:03d}", range(1000)),  # Ofcom, numbers for drama
    ("en", "+44 1632 960{:03d}", range(1000)),
    ("en", "+1 202 555 01{:02d}", range(100)),  # North American Numbering Plan, 555-0100 to 555-0199
    ("fr", "+33 1 99 00 00 {:02d}", range(100)),  # Arcep, numbers for audiovisual works
    ("de", "+49 30 23125 {:03d}", range(1000)),  # Bundesnetzagentur, drama numbers
    ("da", "+46 70 174 06 {:02d}", range(5, 100)),  # Post- och telestyrelsen, numbers for fiction; Denmark keeps none
)
_PLAIN = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa", "ü": "ue", "ö": "oe", "ä": "ae"}) | str.maketrans(
    "éèáóčí", "eeaoci"
)
WITH_A_CUSTOMER_NUMBER = 0.65


def guests(random: Random, count: int) -> list[Guest]:
    """So many guests, those of the cases first; two thirds have a customer number. No two have the same e-mail."""
    first_names, last_names = _FIRST_NAMES.split(), _LAST_NAMES.split()
    found = list(OF_THE_CASES)
    seen: Counter[str] = Counter()
    for number in range(len(found) + 1, count + 1):
        first, last = random.choice(first_names), random.choice(last_names)
        mailbox = f"{_plain(first)}.{_plain(last)}"
        seen[mailbox] += 1
        again = str(seen[mailbox]) if seen[mailbox] > 1 else ""
        language, phone, phones = random.choice(_PHONES)
        has_number = random.random() < WITH_A_CUSTOMER_NUMBER
        found.append(
            guest(
                f"{first} {last}",
                f"{mailbox}{again}@{random.choice(_DOMAINS)}",
                phone.format(random.choice(phones)),
                language,
                f"C-{100000 + number}" if has_number else None,
            )
        )
    return found


def _plain(name: str) -> str:
    plain = name.lower().translate(_PLAIN)
    return plain if plain.isascii() else plain.encode("ascii", "ignore").decode()
