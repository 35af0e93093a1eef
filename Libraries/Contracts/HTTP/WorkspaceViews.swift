import Foundation

/// A workspace as anyone may see it: the redacted form of list and get.
public struct WorkspaceSummary: Codable, Hashable, Sendable {
    /// The workspace.
    public var id: UUID
    /// Its name.
    public var name: String
    /// Its role.
    @OrNull public var role: String?
    /// Its tier, which sets memory and CPU.
    public var tier: Int
    /// Its status.
    public var status: WorkspaceStatus
    /// Its agent's URL; empty when it has none.
    public var url: String
    /// Its parent workspace; null for a root.
    @OrNull public var parentID: UUID?
    /// Its agent's card.
    @OrNull public var agentCard: RawJSON?
    /// Its runtime.
    public var runtime: String
    /// How many tasks run.
    public var activeTasks = 0
    /// How many may run at once.
    public var maxConcurrentTasks = 1
    /// The share of failed requests, as last reported.
    public var lastErrorRate = 0.0
    /// Seconds since its agent started.
    public var uptimeSeconds = 0
    /// When its last heartbeat arrived.
    @OrNull public var lastHeartbeatAt: Date?
    /// When it last called another workspace successfully.
    @OrNull public var lastOutboundAt: Date?
    /// Position on the canvas, from the left.
    public var x = 0.0
    /// Position on the canvas, from the top.
    public var y = 0.0
    /// Whether its children are hidden on the canvas.
    public var collapsed = false
    /// When it was created.
    public var createdAt: Date
    /// When it was last changed.
    public var updatedAt: Date
    /// How many messages wait for it.
    public var queueDepth = 0
    /// The time limit of its start, when a template of its runtime declares one.
    public var provisionTimeoutMilliseconds: Int?

    private enum CodingKeys: String, CodingKey {
        case id, name, role, tier, status, url
        case parentID = "parent_id"
        case agentCard = "agent_card"
        case runtime
        case activeTasks = "active_tasks"
        case maxConcurrentTasks = "max_concurrent_tasks"
        case lastErrorRate = "last_error_rate"
        case uptimeSeconds = "uptime_seconds"
        case lastHeartbeatAt = "last_heartbeat_at"
        case lastOutboundAt = "last_outbound_at"
        case x, y, collapsed
        case createdAt = "created_at"
        case updatedAt = "updated_at"
        case queueDepth = "queue_depth"
        case provisionTimeoutMilliseconds = "provision_timeout_ms"
    }

    /// Creates a summary; other members start as for a workspace without heartbeats, and are set afterwards.
    public init(
        id: UUID, name: String, tier: Int, status: WorkspaceStatus, url: String, runtime: String, createdAt: Date,
        updatedAt: Date
    ) {
        self.id = id
        self.name = name
        self.tier = tier
        self.status = status
        self.url = url
        self.runtime = runtime
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        role = nil
        parentID = nil
        agentCard = nil
        lastHeartbeatAt = nil
        lastOutboundAt = nil
    }
}

/// A workspace as operators see it: the full form of list and get, one object.
public struct WorkspaceDetail: Codable, Hashable, Sendable {
    /// The redacted form.
    public var summary: WorkspaceSummary
    /// The budget in cents per month, null without a limit.
    @OrNull public var budgetLimit: Int64?
    /// The spend of this month in cents.
    public var monthlySpend: Int64
    /// The current task; empty when idle.
    public var currentTask: String
    /// One of its errors; empty when there is none.
    public var lastSampleError: String
    /// Its folder on the host.
    @OrNull public var workspaceDirectory: String?
    /// Why it is in its status (an addition to the contract, for people).
    @OrNull public var statusReason: String?

    private enum CodingKeys: String, CodingKey {
        case budgetLimit = "budget_limit"
        case monthlySpend = "monthly_spend"
        case currentTask = "current_task"
        case lastSampleError = "last_sample_error"
        case workspaceDirectory = "workspace_dir"
        case statusReason = "status_reason"
    }

    /// Creates the full form from the redacted one.
    public init(
        summary: WorkspaceSummary, budgetLimit: Int64?, monthlySpend: Int64, currentTask: String,
        lastSampleError: String, workspaceDirectory: String?, statusReason: String?
    ) {
        self.summary = summary
        self.budgetLimit = budgetLimit
        self.monthlySpend = monthlySpend
        self.currentTask = currentTask
        self.lastSampleError = lastSampleError
        self.workspaceDirectory = workspaceDirectory
        self.statusReason = statusReason
    }

    /// Reads both parts from one object.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            summary: try WorkspaceSummary(from: decoder),
            budgetLimit: try container.decodeIfPresent(Int64.self, forKey: .budgetLimit),
            monthlySpend: try container.decode(Int64.self, forKey: .monthlySpend),
            currentTask: try container.decode(String.self, forKey: .currentTask),
            lastSampleError: try container.decode(String.self, forKey: .lastSampleError),
            workspaceDirectory: try container.decodeIfPresent(String.self, forKey: .workspaceDirectory),
            statusReason: try container.decodeIfPresent(String.self, forKey: .statusReason))
    }

    /// Writes both parts into one object.
    public func encode(to encoder: any Encoder) throws {
        try summary.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(_budgetLimit, forKey: .budgetLimit)
        try container.encode(monthlySpend, forKey: .monthlySpend)
        try container.encode(currentTask, forKey: .currentTask)
        try container.encode(lastSampleError, forKey: .lastSampleError)
        try container.encode(_workspaceDirectory, forKey: .workspaceDirectory)
        try container.encode(_statusReason, forKey: .statusReason)
    }
}
