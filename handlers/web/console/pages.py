"""The table of the console: every page and who makes it; who may see it: `handlers.access`."""

from handlers.web.console import (
    accounts,
    activity,
    audit,
    campaigns,
    journeys,
    leads,
    messages,
    overview,
    queue,
    signing,
    workbench,
)
from handlers.web.console.visits import Page
from handlers.web.stream import follow

PAGES: tuple[Page, ...] = (
    Page(path="/", perform=overview.overview),
    Page(path="/sign-out", method="POST", perform=signing.sign_out),
    Page(path="/stream", perform=follow),
    Page(path="/leads", perform=leads.leads),
    Page(path="/leads/{id}", perform=leads.lead),
    Page(path="/queue", perform=queue.queue),
    Page(path="/queue/{id}/skip", method="POST", perform=queue.skip),
    Page(path="/queue/{id}/hold", method="POST", perform=queue.hold),
    Page(path="/queue/{id}/release", method="POST", perform=queue.release),
    Page(path="/sending/pause", method="POST", perform=queue.pause_all),
    Page(path="/sending/resume", method="POST", perform=queue.resume_all),
    Page(path="/accounts", perform=accounts.accounts),
    Page(path="/accounts/{name}/pause", method="POST", perform=accounts.pause),
    Page(path="/accounts/{name}/resume", method="POST", perform=accounts.resume),
    Page(path="/accounts/{name}/reset-circuit", method="POST", perform=accounts.reset),
    Page(path="/campaigns", perform=campaigns.campaigns),
    Page(path="/campaigns/orders", method="POST", perform=campaigns.order_many),
    Page(path="/campaigns/{id}", perform=campaigns.campaign),
    *(
        Page(path=f"/campaigns/{{id}}/{word}", method="POST", perform=campaigns.ordered(word))
        for word in campaigns.ORDERS
    ),
    Page(path="/activity", perform=activity.activity),
    Page(path="/contact-campaigns/{id}", perform=journeys.journey),
    *(
        Page(
            path=f"/contact-campaigns/{{id}}/{word}",
            method="POST",
            perform=journeys.ordered(word),
        )
        for word in ("pause", "resume", "stop")
    ),
    Page(path="/contact-campaigns/{id}/what-if", method="POST", perform=journeys.what_if),
    Page(path="/messages/{id}", perform=messages.message),
    Page(path="/messages/{id}/html", perform=messages.mail_html),
    Page(path="/messages/{id}/resend", method="POST", perform=messages.resend),
    Page(path="/replies/{id}/html", perform=messages.reply_html),
    Page(path="/workbench", perform=workbench.empty),
    Page(path="/workbench", method="POST", perform=workbench.tried),
    Page(path="/audit", perform=audit.audit),
)
