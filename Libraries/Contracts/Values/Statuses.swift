/// The status of a workspace in its lifecycle. The raw values are the Postgres type `workspace_status`.
public enum WorkspaceStatus: String, Codable, Hashable, Sendable, CaseIterable {
    /// Its container or machine is being started.
    case provisioning
    /// It accepts messages.
    case online
    /// No activity for the liveness period.
    case offline
    /// It accepts messages, but reports a fault or fails too often.
    case degraded
    /// It could not be started.
    case failed
    /// Deleted; the row stays until it is purged.
    case removed
    /// Stopped by a person, until a person resumes it.
    case paused
    /// Being stopped after an idle period.
    case hibernating
    /// Stopped after an idle period; a message wakes it.
    case hibernated
    /// An external workspace without an address: waits for its agent to register.
    case awaitingAgent = "awaiting_agent"

    /// Whether its agent is expected to be running, so that its liveness is checked.
    public var isRunning: Bool { self == .online || self == .degraded }
}

/// The status of a queued message.
public enum QueueStatus: String, Codable, Hashable, Sendable, CaseIterable {
    /// Waits for its target.
    case queued
    /// Leased: a delivery is in flight.
    case dispatched
    /// Delivered, the response stored.
    case completed
    /// Expired, or cancelled.
    case dropped
    /// Failed after five attempts, or an hour of refusals.
    case failed

    /// Queued or dispatched: its idempotency key is in use.
    public var isActive: Bool { self == .queued || self == .dispatched }
}

/// The status of a delegation.
public enum DelegationStatus: String, Codable, Hashable, Sendable, CaseIterable {
    /// Recorded, not yet sent.
    case pending
    /// Its first dispatch is in flight.
    case dispatched
    /// The target was busy: it waits in the queue.
    case queued
    /// The target has responded.
    case completed
    /// Ended without a response.
    case failed

    /// Whether it has ended.
    public var isFinal: Bool { self == .completed || self == .failed }
}

/// The kinds of rows in the activity feed.
public enum ActivityType: String, Codable, Hashable, Sendable, CaseIterable {
    /// The agent sent a message.
    case a2aSend = "a2a_send"
    /// The agent received a message, or sent one to a person.
    case a2aReceive = "a2a_receive"
    /// The agent's current task changed.
    case taskUpdate = "task_update"
    /// A line of the agent's log.
    case agentLog = "agent_log"
    /// The agent made a skill permanent.
    case skillPromotion = "skill_promotion"
    /// The agent wrote to its memory.
    case memoryWrite = "memory_write"
    /// Something went wrong.
    case error
    /// Written by the platform: a delegation changed its status.
    case delegation
    /// Written by the platform: a schedule ran or was skipped.
    case cronRun = "cron_run"

    /// The types that an agent may report, in the order in which the error message names them.
    public static let reportable: [ActivityType] = [
        .a2aSend, .a2aReceive, .taskUpdate, .agentLog, .skillPromotion, .memoryWrite, .error,
    ]
}

/// The outcome of a schedule's last run.
public enum ScheduleStatus: String, Codable, Hashable, Sendable, CaseIterable {
    /// The agent responded.
    case ok
    /// The agent failed.
    case error
    /// Not fired: the workspace was busy, paused or removed.
    case skipped
    /// Three empty responses in a row.
    case stale
}

/// The priority of a queue item; higher ones are delivered first.
public struct Priority: RawRepresentable, Codable, Hashable, Sendable, Comparable {
    /// The number stored in `a2a_queue.priority`.
    public let rawValue: Int

    /// Creates a priority.
    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// Before everything else.
    public static let critical = Priority(rawValue: 100)
    /// Messages, delegations and schedules.
    public static let task = Priority(rawValue: 50)
    /// Messages without urgency.
    public static let info = Priority(rawValue: 10)

    /// Orders by the number.
    public static func < (left: Priority, right: Priority) -> Bool { left.rawValue < right.rawValue }
}

/// A workspace's access to its folder on the host.
public enum WorkspaceAccess: String, Codable, Hashable, Sendable, CaseIterable {
    /// Nothing.
    case none
    /// Reading.
    case readOnly = "read_only"
    /// Reading and writing.
    case readWrite = "read_write"
}
