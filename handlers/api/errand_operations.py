"""The part of the table of the API about what plans ask of people and of other systems."""

from handlers.api import endpoint_calls, errand_calls
from handlers.api.bodies import json_body
from handlers.api.calls import Operation, Page, Reason
from handlers.api.journey_calls import ContactCampaignShown
from handlers.api.paging import Listed
from handlers.errands.lists import NoticeRow
from handlers.errands.tasks import TaskShown

ERRANDS = (
    Operation(
        method="POST",
        path="/v1/contact-campaigns/{id}/signals",
        does="Report a goal or an event of your own; the same kind and instant again is no news",
        perform=errand_calls.signal,
        answers=ContactCampaignShown,
        body=json_body(errand_calls.NewSignal),
    ),
    Operation(
        method="GET",
        path="/v1/tasks",
        does="List tasks of people, those due first",
        perform=errand_calls.task_page,
        answers=Listed[TaskShown],
        query=errand_calls.WhichTasks,
    ),
    *(
        Operation(
            method="POST",
            path=f"/v1/tasks/{{id}}/{how}",
            does=does,
            perform=perform,
            answers=TaskShown,
            body=json_body(Reason, needed=False),
        )
        for how, does, perform in (
            ("done", "Say that a task is done", errand_calls.do_done),
            ("skip", "Say that a task will not be done", errand_calls.do_skip),
        )
    ),
    Operation(
        method="GET",
        path="/v1/notices",
        does="List what people were told, newest first",
        perform=errand_calls.notice_page,
        answers=Listed[NoticeRow],
        query=errand_calls.WhichNotices,
    ),
    Operation(
        method="POST",
        path="/v1/notices/{id}/read",
        does="Mark a notice as read",
        perform=errand_calls.do_read,
        answers=NoticeRow,
    ),
    Operation(
        method="GET",
        path="/v1/endpoints",
        does="List registered endpoints",
        perform=endpoint_calls.page,
        answers=Listed[endpoint_calls.EndpointShown],
        query=Page,
    ),
    Operation(
        method="POST",
        path="/v1/endpoints",
        does="Register an endpoint that webhook nodes may call; its secret is told this once",
        perform=endpoint_calls.add,
        answers=endpoint_calls.EndpointShown,
        status=201,
        body=json_body(endpoint_calls.AddedEndpoint),
        kept=False,
    ),
    Operation(
        method="DELETE",
        path="/v1/endpoints",
        does="Take a registered endpoint away",
        perform=endpoint_calls.remove,
        answers=endpoint_calls.Removed,
        body=json_body(endpoint_calls.RemovedEndpoint),
    ),
)
