"""Which permission a tool needs; the roles that have it are in the same table as for the API."""

from collections.abc import Mapping

from handlers.access import Permission, RouteWithoutPermission

PERMISSION_OF_TOOL: Mapping[str, Permission] = {
    "get_plan_schema": Permission.CHECK_PLANS,
    "list_examples": Permission.CHECK_PLANS,
    "explain_error": Permission.CHECK_PLANS,
    "list_campaigns": Permission.READ_CAMPAIGNS,
    "list_contacts": Permission.READ_CONTACTS,
    "get_contact_context": Permission.READ_CONTACTS,
    "validate_plan": Permission.CHECK_PLANS,
    "draw_plan": Permission.CHECK_PLANS,
    "simulate_plan": Permission.CHECK_PLANS,
    "submit_plan": Permission.ENROL,
    "revise_plan": Permission.REVISE_PLANS,
    "list_contact_campaigns": Permission.READ_JOURNEYS,
    "get_timeline": Permission.READ_JOURNEYS,
    "explain_message": Permission.READ_MESSAGES,
}


def permission_of(tool: str) -> Permission:
    """What a key must allow for this tool; raises RouteWithoutPermission."""
    try:
        return PERMISSION_OF_TOOL[tool]
    except KeyError:
        raise RouteWithoutPermission(f"the tool {tool}") from None
