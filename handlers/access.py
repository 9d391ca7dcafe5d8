"""Who may do what: one table of routes and permissions, one of permissions and roles; else no."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from domain.ids import TenantId
from handlers.errors import NotPermitted


class Role(StrEnum):
    """What a key is for; a planner writes and proves plans, and never makes a message leave."""

    ADMIN = "admin"
    AGENT = "agent"
    VIEWER = "viewer"
    PLANNER = "planner"


class KeyHolder(msgspec.Struct, frozen=True):
    """Who a good key belongs to."""

    key_id: str
    tenant: TenantId
    role: Role


class Permission(StrEnum):
    """What a route does, as far as rights go."""

    CHECK_PLANS = "plans.check"
    READ_CONTACTS = "contacts.read"
    WRITE_CONTACTS = "contacts.write"
    ERASE_CONTACTS = "contacts.erase"
    EXPORT_CONTACTS = "contacts.export"
    READ_CAMPAIGNS = "campaigns.read"
    WRITE_CAMPAIGNS = "campaigns.write"
    RUN_CAMPAIGNS = "campaigns.run"
    ENROL = "enrol"
    READ_JOURNEYS = "journeys.read"
    RUN_JOURNEYS = "journeys.run"
    REVISE_PLANS = "plans.revise"
    READ_MESSAGES = "messages.read"
    RESEND_MESSAGES = "messages.resend"
    ORDER_QUEUE = "queue.order"
    READ_INBOX = "inbox.read"
    RELEASE_INBOX = "inbox.release"
    READ_METRICS = "metrics.read"
    READ_SENDERS = "senders.read"
    WRITE_SENDERS = "senders.write"
    PAUSE_SENDING = "sending.pause"
    READ_SUPPRESSIONS = "suppressions.read"
    ADD_SUPPRESSIONS = "suppressions.add"
    LIFT_SUPPRESSIONS = "suppressions.lift"
    REPORT_SIGNALS = "signals.report"
    READ_TASKS = "tasks.read"
    END_TASKS = "tasks.end"
    READ_NOTICES = "notices.read"
    MARK_NOTICES = "notices.mark"
    READ_ENDPOINTS = "endpoints.read"
    WRITE_ENDPOINTS = "endpoints.write"
    USE_CONSOLE = "console.use"
    READ_ACTS = "acts.read"


_ALL = frozenset(Role)
_WORKING = frozenset({Role.ADMIN, Role.AGENT})
_READING = frozenset({Role.ADMIN, Role.AGENT, Role.VIEWER})

ROLES_OF: Mapping[Permission, frozenset[Role]] = {
    Permission.CHECK_PLANS: _ALL,
    Permission.READ_CONTACTS: _ALL,
    Permission.WRITE_CONTACTS: _WORKING,
    Permission.ERASE_CONTACTS: frozenset({Role.ADMIN}),  # nothing brings them back
    Permission.EXPORT_CONTACTS: frozenset({Role.ADMIN}),
    Permission.READ_CAMPAIGNS: _ALL,
    Permission.WRITE_CAMPAIGNS: _WORKING,
    Permission.RUN_CAMPAIGNS: _WORKING,
    Permission.ENROL: _WORKING | {Role.PLANNER},  # a planner: known contacts into drafts
    Permission.READ_JOURNEYS: _ALL,
    Permission.RUN_JOURNEYS: _WORKING,
    Permission.REVISE_PLANS: _WORKING | {Role.PLANNER},  # a planner: in drafts
    Permission.READ_MESSAGES: _READING,
    Permission.RESEND_MESSAGES: frozenset({Role.ADMIN}),  # a person may get it twice
    Permission.ORDER_QUEUE: _WORKING,
    Permission.READ_INBOX: _READING,
    Permission.RELEASE_INBOX: _WORKING,
    Permission.READ_METRICS: _ALL,
    Permission.READ_SENDERS: _READING,
    Permission.WRITE_SENDERS: frozenset({Role.ADMIN}),
    Permission.PAUSE_SENDING: _WORKING,  # whoever sees that something is wrong may stop it
    Permission.READ_SUPPRESSIONS: _READING,
    Permission.ADD_SUPPRESSIONS: _WORKING,
    Permission.LIFT_SUPPRESSIONS: frozenset({Role.ADMIN}),
    Permission.REPORT_SIGNALS: _WORKING,
    Permission.READ_TASKS: _READING,
    Permission.END_TASKS: _WORKING,
    Permission.READ_NOTICES: _READING,
    Permission.MARK_NOTICES: _WORKING,
    Permission.READ_ENDPOINTS: frozenset({Role.ADMIN}),  # an address may be a secret itself
    Permission.WRITE_ENDPOINTS: frozenset({Role.ADMIN}),
    Permission.USE_CONSOLE: _ALL,
    Permission.READ_ACTS: frozenset({Role.ADMIN, Role.VIEWER}),  # a viewer may be an auditor
}

Route = tuple[str, str]
"""Method and path, as the operations name it."""

PERMISSION_OF: Mapping[Route, Permission] = {
    ("POST", "/v1/plans/check"): Permission.CHECK_PLANS,
    ("GET", "/v1/plans/schema"): Permission.CHECK_PLANS,
    ("POST", "/v1/plans/simulate"): Permission.CHECK_PLANS,
    ("POST", "/v1/plans/trace"): Permission.CHECK_PLANS,
    ("POST", "/v1/plans/graph"): Permission.CHECK_PLANS,
    ("POST", "/v1/contacts"): Permission.WRITE_CONTACTS,
    ("GET", "/v1/contacts"): Permission.READ_CONTACTS,
    ("POST", "/v1/contacts/import"): Permission.WRITE_CONTACTS,
    ("GET", "/v1/contacts/{id}"): Permission.READ_CONTACTS,
    ("PATCH", "/v1/contacts/{id}"): Permission.WRITE_CONTACTS,
    ("DELETE", "/v1/contacts/{id}"): Permission.ERASE_CONTACTS,
    ("POST", "/v1/contacts/{id}/export"): Permission.EXPORT_CONTACTS,
    ("POST", "/v1/campaigns"): Permission.WRITE_CAMPAIGNS,
    ("GET", "/v1/campaigns"): Permission.READ_CAMPAIGNS,
    ("GET", "/v1/campaigns/{id}"): Permission.READ_CAMPAIGNS,
    ("PATCH", "/v1/campaigns/{id}"): Permission.WRITE_CAMPAIGNS,
    ("POST", "/v1/campaigns/{id}/clone"): Permission.WRITE_CAMPAIGNS,
    ("POST", "/v1/campaigns/{id}/launch"): Permission.RUN_CAMPAIGNS,
    ("POST", "/v1/campaigns/{id}/pause"): Permission.RUN_CAMPAIGNS,
    ("POST", "/v1/campaigns/{id}/resume"): Permission.RUN_CAMPAIGNS,
    ("POST", "/v1/campaigns/{id}/stop"): Permission.RUN_CAMPAIGNS,
    ("POST", "/v1/campaigns/{id}/enrolments"): Permission.ENROL,
    ("GET", "/v1/contact-campaigns"): Permission.READ_JOURNEYS,
    ("GET", "/v1/contact-campaigns/{id}"): Permission.READ_JOURNEYS,
    ("POST", "/v1/contact-campaigns/{id}/pause"): Permission.RUN_JOURNEYS,
    ("POST", "/v1/contact-campaigns/{id}/resume"): Permission.RUN_JOURNEYS,
    ("POST", "/v1/contact-campaigns/{id}/stop"): Permission.RUN_JOURNEYS,
    ("POST", "/v1/contact-campaigns/{id}/revise"): Permission.REVISE_PLANS,
    ("GET", "/v1/contact-campaigns/{id}/timeline"): Permission.READ_JOURNEYS,
    ("GET", "/v1/contact-campaigns/{id}/plans"): Permission.READ_JOURNEYS,
    ("GET", "/v1/contact-campaigns/{id}/notes"): Permission.READ_MESSAGES,
    ("POST", "/v1/contact-campaigns/{id}/what-if"): Permission.READ_JOURNEYS,
    ("GET", "/v1/messages/{id}"): Permission.READ_MESSAGES,
    ("GET", "/v1/messages/{id}/explain"): Permission.READ_MESSAGES,
    ("POST", "/v1/messages/{id}/resend"): Permission.RESEND_MESSAGES,
    ("GET", "/v1/send-queue"): Permission.READ_JOURNEYS,
    ("POST", "/v1/send-queue/{id}/skip"): Permission.ORDER_QUEUE,
    ("POST", "/v1/send-queue/{id}/hold"): Permission.ORDER_QUEUE,
    ("POST", "/v1/send-queue/{id}/release"): Permission.ORDER_QUEUE,
    ("GET", "/v1/webhook-inbox"): Permission.READ_INBOX,
    ("POST", "/v1/webhook-inbox/{number}/release"): Permission.RELEASE_INBOX,
    ("GET", "/v1/activity"): Permission.READ_JOURNEYS,
    ("GET", "/v1/stream"): Permission.READ_JOURNEYS,
    ("GET", "/v1/metrics/campaigns/{id}/summary"): Permission.READ_METRICS,
    ("GET", "/v1/metrics/campaigns/{id}/timeseries"): Permission.READ_METRICS,
    ("GET", "/v1/metrics/campaigns/{id}/funnel"): Permission.READ_METRICS,
    ("GET", "/v1/metrics/campaigns/{id}/variants"): Permission.READ_METRICS,
    ("GET", "/v1/metrics/campaigns/{id}/reply-times"): Permission.READ_METRICS,
    ("GET", "/v1/metrics/campaigns/{id}/best-hours"): Permission.READ_METRICS,
    ("GET", "/v1/metrics/campaigns"): Permission.READ_METRICS,
    ("GET", "/v1/metrics/tenant/timeseries"): Permission.READ_METRICS,
    ("GET", "/v1/metrics/tenant/comparison"): Permission.READ_METRICS,
    ("GET", "/v1/metrics/tenant/best-hours"): Permission.READ_METRICS,
    ("GET", "/v1/metrics/senders/{name}/usage"): Permission.READ_METRICS,
    ("GET", "/v1/senders"): Permission.READ_SENDERS,
    ("POST", "/v1/senders"): Permission.WRITE_SENDERS,
    ("DELETE", "/v1/senders/{name}"): Permission.WRITE_SENDERS,
    ("GET", "/v1/senders/{name}/events"): Permission.READ_SENDERS,
    ("POST", "/v1/senders/{name}/pause"): Permission.PAUSE_SENDING,
    ("POST", "/v1/senders/{name}/resume"): Permission.WRITE_SENDERS,
    ("POST", "/v1/senders/{name}/verify"): Permission.WRITE_SENDERS,
    ("POST", "/v1/senders/{name}/health"): Permission.WRITE_SENDERS,
    ("POST", "/v1/senders/{name}/away"): Permission.PAUSE_SENDING,
    ("POST", "/v1/senders/{name}/back"): Permission.WRITE_SENDERS,
    ("POST", "/v1/senders/{name}/warmup"): Permission.WRITE_SENDERS,
    ("POST", "/v1/senders/{name}/reset-circuit"): Permission.WRITE_SENDERS,
    ("GET", "/v1/sending"): Permission.READ_SENDERS,
    ("PATCH", "/v1/sending"): Permission.WRITE_SENDERS,
    ("POST", "/v1/sending/pause"): Permission.PAUSE_SENDING,
    ("POST", "/v1/sending/resume"): Permission.WRITE_SENDERS,
    ("GET", "/v1/suppressions"): Permission.READ_SUPPRESSIONS,
    ("POST", "/v1/suppressions"): Permission.ADD_SUPPRESSIONS,
    ("DELETE", "/v1/suppressions"): Permission.LIFT_SUPPRESSIONS,
    ("POST", "/v1/contact-campaigns/{id}/signals"): Permission.REPORT_SIGNALS,
    ("GET", "/v1/tasks"): Permission.READ_TASKS,
    ("POST", "/v1/tasks/{id}/done"): Permission.END_TASKS,
    ("POST", "/v1/tasks/{id}/skip"): Permission.END_TASKS,
    ("GET", "/v1/notices"): Permission.READ_NOTICES,
    ("POST", "/v1/notices/{id}/read"): Permission.MARK_NOTICES,
    ("GET", "/v1/endpoints"): Permission.READ_ENDPOINTS,
    ("POST", "/v1/endpoints"): Permission.WRITE_ENDPOINTS,
    ("DELETE", "/v1/endpoints"): Permission.WRITE_ENDPOINTS,
    ("GET", "/v1/admin-events"): Permission.READ_ACTS,
}

PERMISSION_OF_PAGE: Mapping[Route, Permission] = {
    ("GET", "/"): Permission.USE_CONSOLE,
    ("POST", "/sign-out"): Permission.USE_CONSOLE,
    ("GET", "/stream"): Permission.READ_JOURNEYS,
    ("GET", "/leads"): Permission.READ_CONTACTS,
    ("GET", "/leads/{id}"): Permission.READ_CONTACTS,
    ("GET", "/queue"): Permission.READ_JOURNEYS,
    ("POST", "/queue/{id}/skip"): Permission.ORDER_QUEUE,
    ("POST", "/queue/{id}/hold"): Permission.ORDER_QUEUE,
    ("POST", "/queue/{id}/release"): Permission.ORDER_QUEUE,
    ("POST", "/sending/pause"): Permission.PAUSE_SENDING,
    ("POST", "/sending/resume"): Permission.WRITE_SENDERS,
    ("GET", "/accounts"): Permission.READ_SENDERS,
    ("POST", "/accounts/{name}/pause"): Permission.PAUSE_SENDING,
    ("POST", "/accounts/{name}/resume"): Permission.WRITE_SENDERS,
    ("POST", "/accounts/{name}/reset-circuit"): Permission.WRITE_SENDERS,
    ("GET", "/campaigns"): Permission.READ_CAMPAIGNS,
    ("POST", "/campaigns/orders"): Permission.RUN_CAMPAIGNS,
    ("GET", "/campaigns/{id}"): Permission.READ_CAMPAIGNS,
    ("POST", "/campaigns/{id}/launch"): Permission.RUN_CAMPAIGNS,
    ("POST", "/campaigns/{id}/pause"): Permission.RUN_CAMPAIGNS,
    ("POST", "/campaigns/{id}/resume"): Permission.RUN_CAMPAIGNS,
    ("POST", "/campaigns/{id}/stop"): Permission.RUN_CAMPAIGNS,
    ("GET", "/activity"): Permission.READ_JOURNEYS,
    ("GET", "/contact-campaigns/{id}"): Permission.READ_JOURNEYS,
    ("POST", "/contact-campaigns/{id}/pause"): Permission.RUN_JOURNEYS,
    ("POST", "/contact-campaigns/{id}/resume"): Permission.RUN_JOURNEYS,
    ("POST", "/contact-campaigns/{id}/stop"): Permission.RUN_JOURNEYS,
    ("POST", "/contact-campaigns/{id}/what-if"): Permission.READ_JOURNEYS,
    ("GET", "/messages/{id}"): Permission.READ_MESSAGES,
    ("GET", "/messages/{id}/html"): Permission.READ_MESSAGES,
    ("POST", "/messages/{id}/resend"): Permission.RESEND_MESSAGES,
    ("GET", "/replies/{id}/html"): Permission.READ_MESSAGES,
    ("GET", "/workbench"): Permission.CHECK_PLANS,
    ("POST", "/workbench"): Permission.CHECK_PLANS,
    ("GET", "/audit"): Permission.READ_ACTS,
}
"""The pages of the console, for who is signed in; the same permissions as for keys."""

OPEN: frozenset[Route] = frozenset(
    {
        ("POST", "/webhooks/sendgrid/{tenant}"),  # signed
        ("POST", "/webhooks/sendgrid/{tenant}/inbound"),  # signed
        ("POST", "/webhooks/sendgrid/{tenant}/inbound/{secret}"),
        ("GET", "/t/o/{token}.gif"),  # signed token, as the next three
        ("GET", "/t/c/{token}"),
        ("GET", "/u/{token}"),
        ("POST", "/u/{token}"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
    }
)
"""Routes without a key: they carry a proof of their own, or tell nothing of a tenant."""

BY_TOOL: frozenset[Route] = frozenset({("POST", "/mcp"), ("POST", "/mcp/")})
"""Routes that every good key opens; what it may do there is asked for each tool."""

OPEN_PAGES: frozenset[Route] = frozenset(
    {
        ("GET", "/sign-in"),
        ("POST", "/sign-in"),  # name and password
        ("GET", "/static/{name}"),  # style and script of the console
    }
)
"""The same of the console."""


class RouteWithoutPermission(Exception):
    """A route that is in no table; nothing is served until it is."""


def permission_for(method: str, path: str) -> Permission:
    """What a key must allow for this route; raises RouteWithoutPermission."""
    try:
        return PERMISSION_OF[method, path]
    except KeyError:
        raise RouteWithoutPermission(f"{method} {path}") from None


def permission_for_page(method: str, path: str) -> Permission:
    """The same for who is signed in to the console; raises RouteWithoutPermission."""
    try:
        return PERMISSION_OF_PAGE[method, path]
    except KeyError:
        raise RouteWithoutPermission(f"{method} {path}") from None


def require_open(method: str, path: str) -> None:
    """Raise RouteWithoutPermission unless this route may be served without a key."""
    if (method, path) not in OPEN | OPEN_PAGES:
        raise RouteWithoutPermission(f"{method} {path}")


def permits(holder: KeyHolder, permission: Permission) -> bool:
    """Whether the role includes this."""
    return holder.role in ROLES_OF.get(permission, frozenset())


def require(holder: KeyHolder, permission: Permission) -> None:
    """Raise NotPermitted unless the role includes this."""
    if not permits(holder, permission):
        raise NotPermitted(f"a key of role {holder.role} may not do this ({permission})")
