/// Where a workspace is in its life. The raw values are the Postgres type `workspace_status`.
public enum WorkspaceStatus: String, Codable, Hashable, Sendable, CaseIterable {
    /// Its container or machine is being started.
    case provisioning
    /// It takes messages.
    case online
    /// No sign of life.
    case offline
    /// It takes messages, but says or shows that something is wrong.
    case degraded
    /// It could not be started.
    case failed
    /// Deleted; the row stays until it is purged.
    case removed
    /// Stopped by a person, until a person resumes it.
    case paused
    /// Being stopped for having been idle.
    case hibernating
    /// Stopped for having been idle; a message wakes it.
    case hibernated
    /// An external workspace without an address: waits for its agent to register.
    case awaitingAgent = "awaiting_agent"

    /// Whether its agent is believed to be running: what liveness watches.
    public var isRunning: Bool { self == .online || self == .degraded }
}

/// Where a queue item is in its life.
public enum QueueStatus: String, Codable, Hashable, Sendable, CaseIterable {
    /// Waits for its target.
    case queued
    /// Leased: a call runs.
    case dispatched
    /// Delivered, the response stored.
    case completed
    /// Expired, or taken out by someone.
    case dropped
    /// Gave up after five attempts, or an hour of refusals.
    case failed

    /// Queued or dispatched: its idempotency key is taken.
    public var isActive: Bool { self == .queued || self == .dispatched }
}

/// Where a delegation is in its life.
public enum DelegationStatus: String, Codable, Hashable, Sendable, CaseIterable {
    /// Recorded, not yet sent.
    case pending
    /// Its first dispatch runs.
    case dispatched
    /// The target was busy: it waits in the queue.
    case queued
    /// Answered.
    case completed
    /// Ended without an answer.
    case failed

    /// What delegating agents wait for.
    public var isFinal: Bool { self == .completed || self == .failed }
}

/// The kinds of rows in the activity feed.
public enum ActivityType: String, Codable, Hashable, Sendable, CaseIterable {
    /// The agent sent a message.
    case a2aSend = "a2a_send"
    /// The agent received a message, or spoke to its person.
    case a2aReceive = "a2a_receive"
    /// What it works on.
    case taskUpdate = "task_update"
    /// A line of its log.
    case agentLog = "agent_log"
    /// It made a skill permanent.
    case skillPromotion = "skill_promotion"
    /// It wrote to its memory.
    case memoryWrite = "memory_write"
    /// Something went wrong.
    case error
    /// Written by the platform: a delegation moved on.
    case delegation
    /// Written by the platform: a schedule ran or was skipped.
    case cronRun = "cron_run"

    /// What an agent may report, in the order in which the refusal names them.
    public static let reportable: [ActivityType] = [
        .a2aSend, .a2aReceive, .taskUpdate, .agentLog, .skillPromotion, .memoryWrite, .error,
    ]
}

/// The outcome of a schedule's last run.
public enum ScheduleStatus: String, Codable, Hashable, Sendable, CaseIterable {
    /// The agent answered.
    case ok
    /// The agent failed.
    case error
    /// Not fired: busy, paused, gone.
    case skipped
    /// Three empty answers in a row.
    case stale
}

/// How urgent a queue item is; higher goes first.
public struct Priority: RawRepresentable, Codable, Hashable, Sendable, Comparable {
    /// The number stored in `a2a_queue.priority`.
    public let rawValue: Int

    /// Creates a priority.
    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// Ahead of everything.
    public static let critical = Priority(rawValue: 100)
    /// Messages, delegations, schedules.
    public static let task = Priority(rawValue: 50)
    /// What may wait.
    public static let info = Priority(rawValue: 10)

    /// Orders by urgency.
    public static func < (left: Priority, right: Priority) -> Bool { left.rawValue < right.rawValue }
}

/// What of the host's folders a workspace may use.
public enum WorkspaceAccess: String, Codable, Hashable, Sendable, CaseIterable {
    /// Nothing.
    case none
    /// Reading.
    case readOnly = "read_only"
    /// Reading and writing.
    case readWrite = "read_write"
}
