"""Seeded people for the demo: names, companies, places and zones; all made up."""

import random  # noqa: TID251  # seeded, so that a demo can be repeated

FIRST = [
    "Dana",
    "Milo",
    "Aisha",
    "Jonas",
    "Priya",
    "Mateo",
    "Lena",
    "Kofi",
    "Ingrid",
    "Tomas",
    "Yara",
    "Felix",
    "Noor",
    "Emil",
    "Rosa",
    "Ivan",
    "Amara",
    "Hugo",
    "Mei",
    "Oskar",
    "Leila",
    "Bruno",
    "Freya",
    "Samir",
    "Clara",
    "Viktor",
    "Zoe",
    "Anders",
    "Nadia",
    "Pablo",
]
LAST = [
    "Reyes",
    "Lindqvist",
    "Okafor",
    "Brandt",
    "Nair",
    "Silva",
    "Novak",
    "Mensah",
    "Haugen",
    "Kovac",
    "Haddad",
    "Weber",
    "Rahman",
    "Berg",
    "Moretti",
    "Petrov",
    "Diallo",
    "Laurent",
    "Zhang",
    "Nilsson",
    "Aziz",
    "Costa",
    "Larsen",
    "Malik",
    "Dubois",
    "Horvat",
    "Klein",
    "Sato",
]
COMPANIES = (
    ("Harbor Freightways", "logistics"),
    ("Northlight Retail", "retail"),
    ("Alder & Finch", "consulting"),
    ("Meridian Foods", "food"),
    ("Cobalt Transport", "transport"),
    ("Juniper Clinics", "health"),
    ("Granite Works", "construction"),
    ("Tidewater Supply", "logistics"),
    ("Lumen Textiles", "textiles"),
    ("Orchard Hotels", "hospitality"),
)
TITLES = (
    "VP Operations",
    "Head of Finance",
    "Chief Financial Officer",
    "Operations Manager",
    "Director of Logistics",
    "Controller",
    "Procurement Lead",
)
PLACES = (
    ("Oakland", "America/Los_Angeles"),
    ("Chicago", "America/Chicago"),
    ("Boston", "America/New_York"),
    ("Porto", "Europe/Lisbon"),
    ("Hamburg", "Europe/Berlin"),
    ("Leeds", "Europe/London"),
    ("Pune", "Asia/Kolkata"),
)

Contact = dict[str, object]


def contacts(count: int, seed: int) -> list[Contact]:
    """So many contacts; the same for the same seed, and the first ones the same for any count."""
    dice = random.Random(seed)  # noqa: S311  # no secret
    return [_contact(number, dice) for number in range(1, count + 1)]


def _contact(number: int, dice: random.Random) -> Contact:
    first, last = dice.choice(FIRST), dice.choice(LAST)
    company, industry = dice.choice(COMPANIES)
    city, zone = dice.choice(PLACES)
    domain = company.lower().replace(" & ", "-").replace(" ", "-") + ".example"
    return {
        "external_id": f"demo-{number:05d}",
        "email": f"{first}.{last}.{number}@{domain}".lower(),
        "first_name": first,
        "last_name": last,
        "title": dice.choice(TITLES),
        "company": company,
        "city": city,
        "timezone": zone,
        "tags": ["demo"],
        "attributes": {"company.industry": industry},
    }
