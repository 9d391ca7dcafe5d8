"""The `antiphon` commands: one table of contents, each command loaded when it is called."""

import click

from infra.cli.lazy import Entry, TableOfContents

CONTENTS = {
    "demo": Entry(
        "infra.cli.demo:demo",
        "Run everything end to end in accelerated time, and check every invariant.",
    ),
    "up": Entry("infra.cli.up:up", "Run everything on this machine in real time until Ctrl-C."),
    "web": Entry("infra.cli.web:web", "Serve the API, the webhooks and the links of mails."),
    "worker": Entry("infra.cli.worker:worker", "Send what is due, take webhooks, fire timers."),
    "projector": Entry("infra.cli.projector:projector", "Keep the read models of all tenants."),
    "ticker": Entry("infra.cli.ticker:ticker", "Ring for due work and sweep up after the dead."),
    "sandbox": Entry(
        "infra.cli.sandbox:sandbox", "Stand in for the provider and for all recipients."
    ),
    "migrate": Entry(
        "infra.cli.migrate:migrate", "Bring the control schema and every tenant's to this version."
    ),
    "tenant": Entry("infra.cli.tenants:tenant", "Add and list tenants; say how long what is kept."),
    "key": Entry("infra.cli.keys:key", "Add and revoke API keys."),
    "user": Entry(
        "infra.cli.users:user", "Add, list and remove those who may sign in to the console."
    ),
    "webhook-key": Entry(
        "infra.cli.webhook_keys:webhook_key", "Say whose webhooks are to be believed."
    ),
    "sender": Entry(
        "infra.cli.senders:sender",
        "Add the identities that messages leave from, look at them, give them orders.",
    ),
    "rules": Entry(
        "infra.cli.rules:rules",
        "Show and change the rules of a tenant's sending: limits, weekend, gaps, pace.",
    ),
    "sending": Entry(
        "infra.cli.sending:sending",
        "Stop all sending of a tenant, or of all tenants, at once, and let it go on.",
    ),
    "contacts": Entry("infra.cli.contacts:contacts", "Import contacts."),
    "erase": Entry(
        "infra.cli.privacy:erase", "Erase a contact: its personal data goes, its courses end."
    ),
    "export-contact": Entry(
        "infra.cli.privacy:export_contact",
        "Print all that is kept of a contact; with --json whole, without it how much of what.",
    ),
    "campaign": Entry(
        "infra.cli.campaigns:campaign", "Add, list, show, launch, pause, resume, stop campaigns."
    ),
    "contact-campaign": Entry(
        "infra.cli.contact_campaigns:contact_campaign",
        "Look at one contact in one campaign; pause, resume, stop it.",
    ),
    "enrol": Entry(
        "infra.cli.enrol:enrol", "Start contacts in a campaign, each with a plan of its own."
    ),
    "plan": Entry(
        "infra.cli.plan:plan", "Check, explain, draw, simulate, write plans; print their schema."
    ),
    "mcp": Entry(
        "infra.cli.mcp:mcp",
        "Serve the tools for writing plans to a program, over stdin and stdout.",
    ),
    "task": Entry("infra.cli.tasks:task", "Look at the tasks of people, and end them."),
    "endpoint": Entry(
        "infra.cli.endpoints:endpoint", "Register the addresses that webhook nodes may call."
    ),
    "timeline": Entry(
        "infra.cli.timeline:timeline",
        "Tell the state and the events of a contact-campaign, now or at an instant.",
    ),
    "explain": Entry(
        "infra.cli.explain:explain",
        "Tell why a message was sent, held, skipped or cancelled: every gate with its inputs.",
    ),
    "queue": Entry(
        "infra.cli.queue:queue",
        "Look at the messages that are to leave; skip, hold, release, resend single ones.",
    ),
    "suppressions": Entry(
        "infra.cli.suppressions:suppressions",
        "Say whom nobody may write to, lift that, list who is on the list.",
    ),
    "inbox": Entry(
        "infra.cli.inbox:inbox",
        "Look at reports of providers that came to nothing, and have them tried again.",
    ),
    "what-if": Entry(
        "infra.cli.what_if:what_if",
        "Run what was recorded of a contact against another plan, side by side.",
    ),
    "metrics": Entry(
        "infra.cli.metrics:metrics",
        "Show the numbers of a campaign, of all campaigns of a tenant, or of all tenants.",
    ),
    "check": Entry(
        "infra.cli.check:check", "Count what breaks an invariant; 1 when any is broken."
    ),
    "audit": Entry(
        "infra.cli.audit:audit",
        "Verify that the logs are what they were; take checkpoints, export proofs.",
    ),
    "admin-events": Entry(
        "infra.cli.admin_events:admin_events",
        "List what administrators did, newest first: who, when, to what.",
    ),
    "doctor": Entry(
        "infra.cli.doctor:doctor",
        "Look at what grows, lags and waits, and say what mends it; 1 when anything is bad.",
    ),
    "rebuild": Entry(
        "infra.cli.rebuild:rebuild",
        "Build a projection again, compare it with the live one, swap it in.",
    ),
    "replay-webhooks": Entry(
        "infra.cli.replay:replay_webhooks",
        "Read kept webhook deliveries once more and take in what was missed.",
    ),
    "bench": Entry("infra.cli.bench:bench", "Run one benchmark; without a name, list them."),
    "openapi": Entry(
        "infra.cli.openapi:openapi",
        "Print the OpenAPI 3.1 document of the API; nothing is started.",
    ),
    "settings": Entry(
        "infra.cli.settings:settings", "Print every setting with its value, default and meaning."
    ),
}
"""Every command: where it is, and the line that the list of commands has of it."""

EPILOG = """Exit codes: 0 done, 1 the answer is no, 2 wrong use, 3 a needed service is out of reach.

Example: antiphon demo"""


@click.group(
    cls=TableOfContents,
    contents=CONTENTS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="antiphon")
@click.pass_context
def main(context: click.Context) -> None:
    """Outreach that answers back: plans proven before they run, on an append-only log."""
    # here, so that `antiphon --help` is there at once
    from infra.cli.logs import log_to_stderr  # noqa: PLC0415  # see above
    from infra.settings import read_settings  # noqa: PLC0415  # see above

    settings = read_settings()
    log_to_stderr(settings.log_level, settings.log_format)
    context.obj = settings
