"""Every `action` that the kernel logs: what a search or an alert can rely on. A test holds the code to this list.

A service's own actions begin with its name ("upload.sweep") and stand in its README.
"""

from enum import StrEnum


class Action(StrEnum):
    """What a log line is about; the fields named here come with it, beside `service`, `level` and `timestamp`."""

    #: A service process is up: `roles`, `port`.
    SERVICE_READY = "service.ready"
    #: It cannot run as it is set up, and says why: `code`.
    SERVICE_REFUSED = "service.refused"
    #: A long-running part broke; the process ends and is started again by whoever runs it: `part`.
    SERVICE_BROKE = "service.broke"
    #: A periodic task failed and will run again at its next time: `part`, `error`.
    PERIODIC_FAILED = "periodic.failed"

    #: A call was answered with an error of the table: `method`, `code`.
    GRPC_REFUSED = "grpc.refused"
    #: A call met a bug: `method`, and the exception.
    GRPC_FAILED = "grpc.failed"
    #: A call met a database, a file system or an object store that is away or full for now: `method`, `error`.
    GRPC_OUTAGE = "grpc.outage"

    #: A job did not succeed: `stage`, `job_id`, `code`, `retry`.
    JOB_FAILED = "job.failed"
    #: A job met a bug: `stage`, `job_id`, and the exception.
    JOB_BUG = "job.bug"
    #: The worker's database is away; it waits: `error`.
    WORKER_WAITING = "worker.waiting"

    #: What is older than it is kept was dropped: `inbox`, `jobs` (how many rows).
    PRUNING_DONE = "pruning.done"

    #: The relay's database or log is away; events wait in the outbox: `error`.
    RELAY_WAITING = "relay.waiting"
    #: A fact cannot be handled just now, or the log is away; the consumer waits in place: `group`, `error`.
    CONSUMER_WAITING = "consumer.waiting"
    #: A handler met a bug; after a few attempts the consumer stops: `group`, `topic`, `offset`, `attempt`.
    CONSUMER_BUG = "consumer.bug"
    #: A fact can never be handled and was set aside: `group`, `topic`, `offset`, `reason`.
    CONSUMER_DEAD_LETTER = "consumer.dead-letter"
    #: The connection that listens for notifications was lost and is made anew: `channel`, `error`.
    WAKEUP_LOST = "wakeup.lost"

    #: The object store does what it must; `missed` names what evidence would be better off with.
    STORAGE_TRIED = "storage.tried"
    #: Metrics and health are told: `port`.
    METRICS_LISTENING = "metrics.listening"
    #: What the database, the log or the store holds could not be read for the metrics: `source`, `error`.
    METRICS_UNREAD = "metrics.unread"
    #: Loops of this process are frozen, or tick again: `loops`.
    HEALTH_STALLED = "health.stalled"
    HEALTH_RECOVERED = "health.recovered"
    #: The collector does not take spans; they are dropped until it does. Said once.
    TRACE_COLLECTOR_AWAY = "trace.collector-away"
    #: It takes them again.
    TRACE_COLLECTOR_BACK = "trace.collector-back"

    #: The sandbox of this process works; which layers confine its children: `seccomp`, `landlock`.
    SANDBOX_READY = "sandbox.ready"
    #: A database server of an earlier, killed run was found and ended: `pid`.
    POSTGRES_LEFTOVER = "postgres.leftover"
    #: The database server replays its log after a crash, and the start waits for it.
    POSTGRES_RECOVERING = "postgres.recovering"
    #: A supervised program ended by itself: `program`, `status`.
    SUPERVISOR_ENDED = "supervisor.ended"
    #: A supervised program did not end in time and was killed: `program`.
    SUPERVISOR_KILLED = "supervisor.killed"
