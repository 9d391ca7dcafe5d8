"""Runs: a storm in which anything may happen, then a calm in which everything must end."""

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from domain.taxonomy import MessageState as State
from tests.simulation import operators
from tests.simulation.baton import Killed, Scheduler
from tests.simulation.choices import Choices
from tests.simulation.ending import check_liveness, check_safety
from tests.simulation.memory_database import Row
from tests.simulation.memory_log import rows_in_memory
from tests.simulation.scenes import SCENES, seconds
from tests.simulation.tempers import ACTS, SPANS_S, TEMPERS
from tests.simulation.watch import Watch
from tests.simulation.world import Violation, World

OPERATORS = ("operator-1", "operator-2", "operator-3")
WORKERS = ("worker-1", "worker-2", "worker-3")
JOBS = ("compose", "send", "ingest", "timers", "doubts", "expired", "lost", "leases")
JOB_WEIGHTS = (4, 8, 5, 3, 2, 1, 1, 1)
MOVES_MAX = 240
CALM_ROUNDS_MAX = 400
EARLY_S = 61.0
AN_HOUR_S, SWEEP_S, SILENCE_S, GRACE_S = 3_600.0, 60.0, 72 * 3_600.0, 120.0


class Run(msgspec.Struct, kw_only=True):
    """What became of one run."""

    seed: int
    scene: str
    temper: str
    steps: int = 0
    messages: int = 0
    accepts: int = 0
    risked: int = 0
    late_calls: int = 0
    calls: int = 0
    states: dict[str, int] = {}
    tally: Counter[str] = msgspec.field(default_factory=Counter)
    choices: list[int] = []
    violation: str = ""


SCHEDULER = Scheduler()


def run(
    seed: int, replayed: Sequence[int] | None = None, trace: Callable[[str], None] | None = None
) -> Run:
    """One run from its seed, or from a list of choices that ends in harmless ones."""
    number = seed % len(SCENES)
    choices = Choices(seed, replayed)
    temper = TEMPERS[seed // len(SCENES) % len(TEMPERS)]
    world = World(number, choices, SCHEDULER, temper=temper)
    watch = Watch(world)
    done = Run(seed=seed, scene=SCENES[number].name, temper=temper.name)
    try:
        with rows_in_memory():
            _storm(world, trace)
            check_safety(world, watch, SCENES[number])
            _calm(world)
            check_liveness(world, watch, SCENES[number])
    except Violation as violation:
        done.violation = str(violation)
    except Exception as error:  # noqa: BLE001  # in the calm nothing may fail
        done.violation = f"{type(error).__name__}: {error}"
    finally:
        _bury(world)
    watch.turns_of_circuits()
    done.steps = world.steps
    done.messages = len(watch.messages)
    done.accepts = sum(map(len, world.outside.accepts.values()))
    done.calls, done.risked, done.late_calls = world.outside.calls, watch.risked, watch.late_calls
    done.states = dict(Counter(seen.state.value for seen in watch.messages.values()))
    done.tally = world.tally + Counter(
        {f"answer: {k}": n for k, n in world.outside.answers.items()}
    )
    done.choices = choices.made
    return done


def _storm(world: World, trace: Callable[[str], None] | None) -> None:
    world.calm = False
    for _ in range(MOVES_MAX):
        if world.choices.used_up:
            break
        world.moves += 1
        ready = world.ready()
        if ready and world.choices.pick(5) < 4:
            task = ready[world.choices.pick(len(ready))]
            if trace:
                trace(f"{world.now():%d %H:%M:%S} {task.process} {task.name} from {task.point}")
            world.resume(task)
            continue
        what = _move(world)
        if trace:
            trace(f"{world.now():%d %H:%M:%S} -- {what}")
    world.calm = True


def _move(world: World) -> str:
    """Something begins: a job, a post, an order of an operator, or time passes."""
    choices = world.choices
    return MOVES[choices.weighted(world.temper.moves)](world)


def _job(world: World) -> str:
    idle = [name for name in WORKERS if not world.busy(name)]
    if not idle:
        return _time(world)
    process = idle[world.choices.pick(len(idle))]
    name = JOBS[world.choices.weighted(JOB_WEIGHTS)]
    world.start(name, process, world.jobs(process)[name])
    return f"{process} begins {name}"


def _post(world: World) -> str:
    due = sorted(post for post in world.outside.posts if post.due <= world.time)
    if not due:
        return _time(world)
    post = due[world.choices.pick(len(due))]
    world.outside.posts.remove(post)
    world.start("receive", "web", world.receive(post))
    return f"a post of {post.provider} comes"


def _order(world: World) -> str:
    idle = [name for name in OPERATORS if not world.busy(name)]
    if not idle:
        return _time(world)
    acts = operators.acts(world, world.ports(idle[0]))
    name = ACTS[world.choices.weighted(world.temper.acts)]
    world.tally[f"order: {name}"] += 1
    world.start(name, idle[0], acts[name])
    return f"the operator wants to {name}"


def _time(world: World) -> str:
    span = SPANS_S[world.choices.weighted(world.temper.spans)]
    if world.moves < world.temper.early:
        span = min(span, EARLY_S)
    world.pass_time(span)
    return f"{span:.0f} s pass"


def _trouble(world: World) -> str:
    return TROUBLES[world.choices.pick(len(TROUBLES))](world)


def _redis_goes(world: World) -> str:
    world.tenant.smoothing.away = not world.tenant.smoothing.away
    return "Redis goes or comes back"


def _redis_forgets(world: World) -> str:
    world.tenant.smoothing.flush()
    return "Redis is flushed"


def _posts_go(world: World) -> str:
    world.outside.deaf = not world.outside.deaf
    return "posts are lost, or no more"


def _provider_fails(world: World) -> str:
    world.outside.down = not world.outside.down
    return "the provider fails, or no more"


def _clock_jumps(world: World) -> str:
    world.time += AN_HOUR_S
    world.pass_time(0.0)
    return "the clock jumps on by an hour"


def _clock_set_back(world: World) -> str:
    world.time -= AN_HOUR_S
    world.tally["clock set back"] += 1
    return "the clock is set back by an hour"


Move = Callable[[World], str]
TROUBLES: tuple[Move, ...] = (
    _redis_goes,
    _redis_forgets,
    _redis_forgets,
    _posts_go,
    _provider_fails,
    _provider_fails,
    _clock_jumps,
    _clock_set_back,
)
MOVES: tuple[Move, ...] = (_job, _post, _order, _time, _trouble)


# --- the calm -------------------------------------------------------------------------------------


def _calm(world: World) -> None:
    """Nothing fails any more: all goes on until nothing is left to do."""
    while world.tasks:
        ready = world.ready()
        if ready:
            world.resume(ready[0])
        else:
            world.pass_time(1.0)
    world.outside.deaf = world.outside.down = world.tenant.smoothing.away = False
    operators.recover(world)
    for _ in range(CALM_ROUNDS_MAX):
        _all_jobs(world)
        until = _next_event(world)
        if until is None:
            return
        world.pass_time(max(until - world.time, 1.0))
    raise Violation("I18: it does not come to an end")


def _all_jobs(world: World) -> None:
    for post in sorted(post for post in world.outside.posts if post.due <= world.time):
        world.outside.posts.remove(post)
        world.receive(post)()
    jobs = world.jobs("worker-1")
    for _ in range(50):
        if not sum(jobs[name]() for name in JOBS):
            return
    raise Violation("I18: the jobs never have nothing to do")


def _next_event(world: World) -> float | None:
    """When something may be to do again; None when all has ended."""
    memory = world.memory
    times = [post.due for post in world.outside.posts]
    for row in memory.committed_rows("send_queue").values():
        times += _of_message(row)
    for row in memory.committed_rows("timers").values():
        if row["state"] == "due":
            times.append(seconds(row["due_at"]) + (GRACE_S if row["scope"] == "node" else 0.0))
    for table in ("timers", "inbox"):
        rows = memory.committed_rows(table).values()
        times += [row["lease_until"] + 1.0 for row in rows if row["state"] == "claimed"]
    return min(times, default=None)


def _of_message(row: Row) -> list[float]:
    """When time alone may do something about a message."""
    match row["state"]:
        case State.PLANNED | State.QUEUED:
            return [seconds(row["not_before"])]
        case State.SENDING:
            return [row["since"] + SWEEP_S + 1.0]
        case State.UNKNOWN:
            return [seconds(row["not_before"]) + SILENCE_S + 1.0]
        case _:
            return []


def _bury(world: World) -> None:
    """Let no task outlive its run."""
    world.calm = True
    for task in list(world.tasks):
        task.dead = True
        try:
            world.resume(task)
        except (Violation, Killed):
            world.tasks = [each for each in world.tasks if each is not task]
