"""Items about the system: its settings, keys, processes and stores."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from infra.go_live.item import Item, fail, ok, warn
from infra.go_live.running import ROLES, Running
from infra.providers.sendgrid.webhook_settings import webhook_settings_faults
from infra.readiness import SILENT_S_MAX

REAL_APIS = ("https://api.sendgrid.com", "https://api.eu.sendgrid.com")
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
LAG_MAX = 1_000
"""Facts that read models may be behind while a campaign is being started."""


def public_url(running: Running) -> Item:
    """Recipients and providers reach us, and nobody reads along."""
    url = urlsplit(running.public_url)
    mend = "set ANTIPHON_PUBLIC_URL to the https address of the web process"
    if url.scheme != "https" or url.hostname in LOCAL_HOSTS:
        return fail("public address", running.public_url, mend)
    return ok("public address", running.public_url)


def pepper(running: Running) -> Item:
    """The secret behind keys, links and suppressions is not only on this disk."""
    if running.settings.pepper is None:
        return fail(
            "pepper", "drawn and kept under home", "set ANTIPHON_PEPPER, and keep a copy of it"
        )
    return ok("pepper", "given by the environment")


def sendgrid_key(running: Running) -> Item:
    """There is a key for Mail Send."""
    if running.settings.sendgrid_api_key is None:
        return fail("SendGrid key", "not set", "set ANTIPHON_SENDGRID_API_KEY")
    return ok("SendGrid key", "set")


def sendgrid_api(running: Running) -> Item:
    """Mails go to the provider, not to a sandbox."""
    url = running.settings.sendgrid_base_url.rstrip("/")
    if url not in REAL_APIS:
        mend = f"set ANTIPHON_SENDGRID_BASE_URL to {REAL_APIS[0]}"
        return fail("SendGrid address", url, mend)
    return ok("SendGrid address", url)


def endpoints(running: Running) -> Item:
    """Plans of strangers call no machine of this network."""
    if running.settings.endpoints_allow_private:
        return fail(
            "endpoints",
            "may be machines of this network",
            "unset ANTIPHON_ENDPOINTS_ALLOW_PRIVATE",
        )
    return ok("endpoints", "public https addresses only")


def clock(running: Running) -> Item:
    """A day has a day."""
    factor = running.settings.clock_factor
    if factor != 1.0 or running.settings.scaled is not None:
        return fail("clock", f"{factor:g} times as fast", "unset ANTIPHON_CLOCK_...")
    return ok("clock", "real time")


def admin_key(running: Running) -> Item:
    """Somebody can give orders."""
    if not running.admin_keys:
        return fail("admin key", "none that is in force", "antiphon key add TENANT --role admin")
    return ok("admin key", f"{running.admin_keys} in force")


def webhook_keys(running: Running) -> Item:
    """Reports of the provider can be believed."""
    if not running.webhook_keys:
        mend = "antiphon webhook-key add TENANT KEY: without it every report is refused"
        return fail("webhook key", "none", mend)
    return ok("webhook key", f"{len(running.webhook_keys)}")


def webhook_settings(running: Running) -> Item:
    """The provider posts every report that is needed to where we listen, signed."""
    name = "webhook at SendGrid"
    if isinstance(running.hooks, str):
        return warn(name, running.hooks, "look at Settings, Mail Settings, Event Webhook there")
    faults = webhook_settings_faults(running.hooks, running.webhook_url, running.webhook_keys)
    if faults:
        return fail(name, "; ".join(faults), f"have it post to {running.webhook_url}, signed")
    return ok(name, running.webhook_url)


def heartbeats(running: Running) -> Item:
    """Every kind of process is alive."""
    silent = [role for role in ROLES if running.beats.get(role, SILENT_S_MAX + 1) > SILENT_S_MAX]
    if silent:
        seen = f"no sign of life: {', '.join(silent)}"
        return fail("processes", seen, "start them: antiphon up, or each role by its command")
    told = ", ".join(f"{role} {running.beats[role]:.0f} s" for role in ROLES)
    return ok("processes", f"heard of {told} ago")


def projector_lag(running: Running) -> Item:
    """Pages show what is."""
    seen = f"{running.lag} facts behind"
    if running.lag > LAG_MAX:
        return fail("read models", seen, "see the log of the projector, and antiphon check")
    return ok("read models", seen)


def redis_answers(running: Running) -> Item:
    """Without the shared buckets nothing is claimed."""
    if running.redis_fault:
        return fail("Redis", running.redis_fault, "start it, or correct ANTIPHON_REDIS_URL")
    return ok("Redis", "answers")


def dead_letters(running: Running) -> Item:
    """No report lies about for long."""
    if running.letters:
        return fail(
            "dead letters",
            f"{running.letters} older than a day",
            "look at them, and release or explain each",
        )
    return ok("dead letters", "none older than a day")


def countries(running: Running) -> Item:
    """Whose country nobody knows, of those consent cannot be judged."""
    seen = f"{running.without_country} of {running.contacts} contacts have none"
    if running.without_country:
        return warn("countries", seen, "import the column country, or set strict_consent")
    return ok("countries", seen)


def address_checks(running: Running) -> Item:
    """Addresses are looked at before they are written to."""
    name, settings = "address checks", running.settings
    if not settings.check_domains and settings.sendgrid_validation_key is None:
        return fail(name, "off", "set ANTIPHON_CHECK_DOMAINS=true")
    who = "provider" if settings.sendgrid_validation_key else "DNS"
    return ok(name, f"by {who}; {running.unchecked} addresses wait for their first look")


def items(running: Running) -> Iterator[Item]:
    """All of them."""
    for item in (
        public_url,
        pepper,
        sendgrid_key,
        sendgrid_api,
        endpoints,
        clock,
        admin_key,
        webhook_keys,
        webhook_settings,
        heartbeats,
        projector_lag,
        redis_answers,
        dead_letters,
        countries,
        address_checks,
    ):
        yield item(running)
