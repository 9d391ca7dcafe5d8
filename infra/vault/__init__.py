"""Personal data and texts of a tenant, by contact, with the configuration its gates read."""

from infra.vault.address_checks import SqlAddressChecks
from infra.vault.addresses import AddressMac, normalised
from infra.vault.contacts import Contacts, ImportedRow
from infra.vault.notices import SqlNotices
from infra.vault.register import SqlRegister
from infra.vault.suppressions import SqlSuppressions
from infra.vault.texts import SqlVault

__all__ = [
    "AddressMac",
    "Contacts",
    "ImportedRow",
    "SqlAddressChecks",
    "SqlNotices",
    "SqlRegister",
    "SqlSuppressions",
    "SqlVault",
    "normalised",
]
