/// A committed heartbeat: the workspace's load, and whether it has capacity for more tasks.
public struct HeartbeatReceived: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.heartbeatReceived]

    /// How many tasks run.
    public var activeTasks: Int
    /// Seconds since the agent started; some agents report 0 in between.
    public var uptimeSeconds: Int
    /// How many may run at once.
    public var maxConcurrentTasks: Int
    /// Whether fewer tasks run than may.
    public var hasCapacity: Bool

    private enum CodingKeys: String, CodingKey {
        case activeTasks = "active_tasks"
        case uptimeSeconds = "uptime_seconds"
        case maxConcurrentTasks = "max_concurrent_tasks"
        case hasCapacity = "has_capacity"
    }

    /// Creates the value.
    public init(activeTasks: Int, uptimeSeconds: Int, maxConcurrentTasks: Int, hasCapacity: Bool) {
        self.activeTasks = activeTasks
        self.uptimeSeconds = uptimeSeconds
        self.maxConcurrentTasks = maxConcurrentTasks
        self.hasCapacity = hasCapacity
    }
}

/// A workspace's current task has changed.
public struct TaskUpdated: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.taskUpdated]

    /// The current task; empty when idle.
    public var currentTask: String
    /// How many tasks run.
    public var activeTasks: Int

    private enum CodingKeys: String, CodingKey {
        case currentTask = "current_task"
        case activeTasks = "active_tasks"
    }

    /// Creates the value.
    public init(currentTask: String, activeTasks: Int) {
        self.currentTask = currentTask
        self.activeTasks = activeTasks
    }
}

/// A workspace is being started.
public struct WorkspaceProvisioning: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.workspaceProvisioning]

    /// Its name.
    public var name: String
    /// Its tier.
    public var tier: Int
    /// Its runtime.
    public var runtime: String

    private enum CodingKeys: String, CodingKey {
        case name
        case tier
        case runtime
    }

    /// Creates the value.
    public init(name: String, tier: Int, runtime: String) {
        self.name = name
        self.tier = tier
        self.runtime = runtime
    }
}

/// A workspace accepts messages: it has registered, or has recovered with a heartbeat.
public struct WorkspaceOnline: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.workspaceOnline]

    /// The agent's URL, after a registration.
    public var url: String?
    /// Its card, after a registration.
    public var agentCard: RawJSON?
    /// The status it recovered from, after a heartbeat.
    public var recoveredFrom: WorkspaceStatus?

    private enum CodingKeys: String, CodingKey {
        case url
        case agentCard = "agent_card"
        case recoveredFrom = "recovered_from"
    }

    /// Creates the value.
    public init(url: String? = nil, agentCard: RawJSON? = nil, recoveredFrom: WorkspaceStatus? = nil) {
        self.url = url
        self.agentCard = agentCard
        self.recoveredFrom = recoveredFrom
    }
}

/// A workspace reports that it is stuck, or fails too often.
public struct WorkspaceDegraded: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.workspaceDegraded]

    /// The state that its heartbeat reported.
    public var runtimeState: String?
    /// The share of failed requests, when that was the reason.
    public var errorRate: Double?
    /// One of its errors, to be shown to people.
    public var sampleError: String

    private enum CodingKeys: String, CodingKey {
        case runtimeState = "runtime_state"
        case errorRate = "error_rate"
        case sampleError = "sample_error"
    }

    /// Creates the value.
    public init(runtimeState: String? = nil, errorRate: Double? = nil, sampleError: String) {
        self.runtimeState = runtimeState
        self.errorRate = errorRate
        self.sampleError = sampleError
    }
}

/// A workspace showed no activity for the liveness period.
public struct WorkspaceOffline: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.workspaceOffline]

    /// Why it is considered dead.
    public var reason: String

    private enum CodingKeys: String, CodingKey {
        case reason
    }

    /// Creates the value.
    public init(reason: String) {
        self.reason = reason
    }
}

/// A workspace could not be started.
public struct WorkspaceProvisionFailed: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.workspaceProvisionFailed]

    /// An error message that is safe to show to clients.
    public var error: String
    /// What detected it, such as `provision_timeout_sweep`.
    public var source: String?
    /// The timeout that passed, in seconds.
    public var timeoutSeconds: Int?
    /// Its runtime.
    public var runtime: String?

    private enum CodingKeys: String, CodingKey {
        case error
        case source
        case timeoutSeconds = "timeout_secs"
        case runtime
    }

    /// Creates the value.
    public init(error: String, source: String? = nil, timeoutSeconds: Int? = nil, runtime: String? = nil) {
        self.error = error
        self.source = source
        self.timeoutSeconds = timeoutSeconds
        self.runtime = runtime
    }
}

/// An external workspace waits for its agent to register.
public struct WorkspaceAwaitingAgent: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.workspaceAwaitingAgent]

    /// Its name.
    public var name: String
    /// Always true.
    public var external: Bool

    private enum CodingKeys: String, CodingKey {
        case name
        case external
    }

    /// Creates the value.
    public init(name: String, external: Bool = true) {
        self.name = name
        self.external = external
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        external = try container.decodeIfPresent(Bool.self, forKey: .external) ?? true
    }
}

/// A workspace was paused, hibernated or removed.
public struct WorkspaceStopped: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.workspacePaused, .workspaceHibernated, .workspaceRemoved]

    /// Its name.
    public var name: String
    /// How many descendants were removed with it.
    public var cascadeDeleted: Int?
    /// Whether its row was deleted, too.
    public var purged: Bool?

    private enum CodingKeys: String, CodingKey {
        case name
        case cascadeDeleted = "cascade_deleted"
        case purged
    }

    /// Creates the value.
    public init(name: String, cascadeDeleted: Int? = nil, purged: Bool? = nil) {
        self.name = name
        self.cascadeDeleted = cascadeDeleted
        self.purged = purged
    }
}
