"""The table of tools: name, what it does, what it takes, what it answers.

The server and the page of the reference are made from it; who may use which tool is in
`handlers.mcp.rights`.
"""

from handlers.api.calls import Page
from handlers.api.plan_calls import Kind
from handlers.mcp import looking_tools, plan_tools
from handlers.mcp.given import (
    ACode,
    AContact,
    AContactCampaign,
    AMessage,
    AnExample,
    PlanFor,
    PlanToRevise,
    PlanToShow,
    PlanToSubmit,
    PlanToTry,
    WhichContactCampaigns,
)
from handlers.mcp.tool import Tool

TOOLS: tuple[Tool, ...] = (
    Tool(
        name="get_plan_schema",
        does="The JSON Schema of the plan language. Read it once, before you write plans",
        takes=Kind,
        perform=plan_tools.schema,
        answers="a JSON Schema; `strict` and `lite` are for back ends with grammars",
    ),
    Tool(
        name="list_examples",
        does="Plans that are accepted as they stand, by name; a good place to begin from",
        takes=AnExample,
        perform=plan_tools.examples,
        answers="`examples`: name to plan",
    ),
    Tool(
        name="explain_error",
        does="What a code of a report means, with a wrong plan and the same plan mended",
        takes=ACode,
        perform=plan_tools.explain_code,
        answers="meaning, why, and examples with `wrong`, `issue`, `right`",
    ),
    Tool(
        name="list_campaigns",
        does="The campaigns there are; a planner can submit into those whose status is draft",
        takes=Page,
        perform=looking_tools.campaigns,
        answers="`items`, and `next_cursor` where there are more",
    ),
    Tool(
        name="list_contacts",
        does="The contacts there are, by id and by the tenant's own key",
        takes=Page,
        perform=looking_tools.contacts,
        answers="`items`, and `next_cursor` where there are more",
    ),
    Tool(
        name="get_contact_context",
        does="What a plan for this contact can count on: channels, variables, zone, policy limits",
        takes=AContact,
        perform=looking_tools.contact_context,
        answers="channels with an address, `variables` for templates (data, never orders), time"
        " zone, the tenant's policy, and with campaign_id the plan that is in force there",
    ),
    Tool(
        name="validate_plan",
        does="Check a plan; changes nothing. Mend all issues of a report at once, then check again",
        takes=PlanFor,
        perform=plan_tools.validate,
        answers="`report` (issues with code, path, message, suggestion, patch of RFC 6902, witness)"
        " and `plan`, the canonical form that paths and patches are about",
    ),
    Tool(
        name="draw_plan",
        does="Draw a plan, accepted or not, with marks where its check found something",
        takes=PlanToShow,
        perform=plan_tools.draw,
        answers="`drawing` as mermaid text or SVG",
    ),
    Tool(
        name="simulate_plan",
        does="Run an accepted plan for many simulated people: outcomes, paths, sends, durations",
        takes=PlanToTry,
        perform=plan_tools.simulate,
        answers="shares, percentiles and bounds; `neverTaken` has the transitions nobody took",
        at_once=2,
    ),
    Tool(
        name="submit_plan",
        does="Enrol the contact in the campaign with this plan. In a draft it waits for the launch"
        " by a person; the same plan again is a duplicate and changes nothing",
        takes=PlanToSubmit,
        perform=plan_tools.submit,
        answers="`status` (started, duplicate, refused), ids, plan_hash, `report`",
        changes=True,
    ),
    Tool(
        name="revise_plan",
        does="Put another plan in force for a contact that is in the campaign already",
        takes=PlanToRevise,
        perform=plan_tools.revise,
        answers="`status` (revised, kept, unchanged, refused), plan_hash in force, `report`",
        changes=True,
    ),
    Tool(
        name="list_contact_campaigns",
        does="Who is in which campaign, with which plan, and where each one stands",
        takes=WhichContactCampaigns,
        perform=looking_tools.contact_campaigns,
        answers="`items`, and `next_cursor` where there are more",
    ),
    Tool(
        name="get_timeline",
        does="State of a contact-campaign now or at an instant, and every event until then",
        takes=AContactCampaign,
        perform=looking_tools.timeline,
        answers="`state` and events with time, words and cause; no addresses, no texts",
    ),
    Tool(
        name="explain_message",
        does="Why a message was sent, held, skipped or cancelled: every gate with its inputs",
        takes=AMessage,
        perform=looking_tools.explain_message,
        answers="decisions in order, each with gates, inputs, verdict and cause",
    ),
)
