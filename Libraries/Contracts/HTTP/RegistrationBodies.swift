import Foundation

/// POST `/registry/register`.
public struct RegisterRequest: Codable, Hashable, Sendable {
    /// The workspace.
    public var id: UUID
    /// The agent's URL.
    public var url: String
    /// The agent's card.
    public var agentCard: RawJSON

    private enum CodingKeys: String, CodingKey {
        case id
        case url
        case agentCard = "agent_card"
    }

    /// Creates the value.
    public init(id: UUID, url: String, agentCard: RawJSON) {
        self.id = id
        self.url = url
        self.agentCard = agentCard
    }
}

/// The response to a registration.
public struct RegisterResponse: Codable, Hashable, Sendable {
    /// Always `registered`.
    public var status: String
    /// The workspace's token, on the first registration only.
    public var authToken: String?

    private enum CodingKeys: String, CodingKey {
        case status
        case authToken = "auth_token"
    }

    /// Creates the value.
    public init(status: String = "registered", authToken: String? = nil) {
        self.status = status
        self.authToken = authToken
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        status = try container.decodeIfPresent(String.self, forKey: .status) ?? "registered"
        authToken = try container.decodeIfPresent(String.self, forKey: .authToken)
    }
}

/// What a heartbeat reports about the runtime.
public struct HeartbeatRuntimeMetadata: Codable, Hashable, Sendable {
    /// The features that it provides natively.
    public var capabilities: Capabilities
    /// The idle timeout of calls to it; ignored unless positive.
    public var idleTimeoutSeconds: Int?

    private enum CodingKeys: String, CodingKey {
        case capabilities
        case idleTimeoutSeconds = "idle_timeout_seconds"
    }

    /// Creates the value.
    public init(capabilities: Capabilities = [], idleTimeoutSeconds: Int? = nil) {
        self.capabilities = capabilities
        self.idleTimeoutSeconds = idleTimeoutSeconds
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        capabilities = try container.decodeIfPresent(Capabilities.self, forKey: .capabilities) ?? []
        idleTimeoutSeconds = try container.decodeIfPresent(Int.self, forKey: .idleTimeoutSeconds)
    }
}

/// POST `/registry/heartbeat`. Absent members count as 0 and empty.
public struct HeartbeatRequest: Codable, Hashable, Sendable {
    /// The workspace.
    public var workspaceID: UUID
    /// The share of failed requests since its last heartbeat.
    public var errorRate: Double
    /// One of the errors.
    public var sampleError: String
    /// How many tasks run.
    public var activeTasks: Int
    /// Seconds since the agent started.
    public var uptimeSeconds: Int
    /// The current task; empty when idle.
    public var currentTask: String
    /// The spend of this month in cents; 0 for unknown.
    public var monthlySpend: Int64
    /// `wedged`, or empty.
    public var runtimeState: String
    /// Overrides of the runtime's capabilities and idle timeout.
    public var runtimeMetadata: HeartbeatRuntimeMetadata?

    private enum CodingKeys: String, CodingKey {
        case workspaceID = "workspace_id"
        case errorRate = "error_rate"
        case sampleError = "sample_error"
        case activeTasks = "active_tasks"
        case uptimeSeconds = "uptime_seconds"
        case currentTask = "current_task"
        case monthlySpend = "monthly_spend"
        case runtimeState = "runtime_state"
        case runtimeMetadata = "runtime_metadata"
    }

    /// Creates the value.
    public init(
        workspaceID: UUID, errorRate: Double = 0, sampleError: String = "", activeTasks: Int = 0,
        uptimeSeconds: Int = 0, currentTask: String = "", monthlySpend: Int64 = 0, runtimeState: String = "",
        runtimeMetadata: HeartbeatRuntimeMetadata? = nil
    ) {
        self.workspaceID = workspaceID
        self.errorRate = errorRate
        self.sampleError = sampleError
        self.activeTasks = activeTasks
        self.uptimeSeconds = uptimeSeconds
        self.currentTask = currentTask
        self.monthlySpend = monthlySpend
        self.runtimeState = runtimeState
        self.runtimeMetadata = runtimeMetadata
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        workspaceID = try container.decode(UUID.self, forKey: .workspaceID)
        errorRate = try container.decodeIfPresent(Double.self, forKey: .errorRate) ?? 0
        sampleError = try container.decodeIfPresent(String.self, forKey: .sampleError) ?? ""
        activeTasks = try container.decodeIfPresent(Int.self, forKey: .activeTasks) ?? 0
        uptimeSeconds = try container.decodeIfPresent(Int.self, forKey: .uptimeSeconds) ?? 0
        currentTask = try container.decodeIfPresent(String.self, forKey: .currentTask) ?? ""
        monthlySpend = try container.decodeIfPresent(Int64.self, forKey: .monthlySpend) ?? 0
        runtimeState = try container.decodeIfPresent(String.self, forKey: .runtimeState) ?? ""
        runtimeMetadata = try container.decodeIfPresent(HeartbeatRuntimeMetadata.self, forKey: .runtimeMetadata)
    }
}

/// POST `/registry/update-card`.
public struct UpdateCardRequest: Codable, Hashable, Sendable {
    /// The workspace.
    public var workspaceID: UUID
    /// The new card.
    public var agentCard: RawJSON

    private enum CodingKeys: String, CodingKey {
        case workspaceID = "workspace_id"
        case agentCard = "agent_card"
    }

    /// Creates the value.
    public init(workspaceID: UUID, agentCard: RawJSON) {
        self.workspaceID = workspaceID
        self.agentCard = agentCard
    }
}

/// POST `/registry/check-access`.
public struct CheckAccessRequest: Codable, Hashable, Sendable {
    /// The workspace that would call.
    public var callerID: UUID
    /// The workspace that would be called.
    public var targetID: UUID

    private enum CodingKeys: String, CodingKey {
        case callerID = "caller_id"
        case targetID = "target_id"
    }

    /// Creates the value.
    public init(callerID: UUID, targetID: UUID) {
        self.callerID = callerID
        self.targetID = targetID
    }
}

/// Whether two workspaces may communicate.
public struct CheckAccessResponse: Codable, Hashable, Sendable {
    /// Whether they may.
    public var allowed: Bool

    private enum CodingKeys: String, CodingKey {
        case allowed
    }

    /// Creates the value.
    public init(allowed: Bool) {
        self.allowed = allowed
    }
}

/// The address of a peer.
public struct DiscoverResponse: Codable, Hashable, Sendable {
    /// The peer's id.
    public var id: UUID
    /// The peer's URL, which passed the safety check.
    public var url: String
    /// Its name.
    public var name: String

    private enum CodingKeys: String, CodingKey {
        case id
        case url
        case name
    }

    /// Creates the value.
    public init(id: UUID, url: String, name: String) {
        self.id = id
        self.url = url
        self.name = name
    }
}

/// An entry of GET `/registry/{id}/peers`.
public struct PeerEntry: Codable, Hashable, Sendable {
    /// The peer's id.
    public var id: UUID
    /// Its name.
    public var name: String
    /// Its role.
    @OrNull public var role: String?
    /// Its tier.
    public var tier: Int
    /// Its status.
    public var status: WorkspaceStatus
    /// Its URL; empty when it has none.
    public var url: String
    /// Its parent; null for a root.
    @OrNull public var parentID: UUID?
    /// How many tasks run.
    public var activeTasks: Int
    /// Its card.
    @OrNull public var agentCard: RawJSON?

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case role
        case tier
        case status
        case url
        case parentID = "parent_id"
        case activeTasks = "active_tasks"
        case agentCard = "agent_card"
    }

    /// Creates the value.
    public init(
        id: UUID, name: String, role: String? = nil, tier: Int, status: WorkspaceStatus, url: String,
        parentID: UUID? = nil, activeTasks: Int, agentCard: RawJSON? = nil
    ) {
        self.id = id
        self.name = name
        self.role = role
        self.tier = tier
        self.status = status
        self.url = url
        self.parentID = parentID
        self.activeTasks = activeTasks
        self.agentCard = agentCard
    }
}
