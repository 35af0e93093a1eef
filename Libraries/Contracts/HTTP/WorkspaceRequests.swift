import Foundation

/// The position of a workspace on the canvas.
public struct CanvasPosition: Codable, Hashable, Sendable {
    /// From the left.
    public var x: Double
    /// From the top.
    public var y: Double

    private enum CodingKeys: String, CodingKey {
        case x
        case y
    }

    /// Creates the value.
    public init(x: Double = 0, y: Double = 0) {
        self.x = x
        self.y = y
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        x = try container.decodeIfPresent(Double.self, forKey: .x) ?? 0
        y = try container.decodeIfPresent(Double.self, forKey: .y) ?? 0
    }
}

/// POST `/workspaces`.
public struct CreateWorkspaceRequest: Codable, Hashable, Sendable {
    /// Required; one line, 255 characters at most.
    public var name: String
    /// One line, 1000 characters at most.
    public var role: String?
    /// The name of a template.
    public var template: String?
    /// The tier, which sets memory and CPU.
    public var tier: Int
    /// The model; the template's when absent.
    public var model: String?
    /// The runtime; the template's when absent, else `langgraph`.
    public var runtime: String?
    /// Whether its agent runs outside the platform.
    public var external: Bool
    /// The agent's URL, for an external workspace.
    public var url: String?
    /// The absolute path of a folder on the host.
    public var workspaceDirectory: String?
    /// The access to that folder.
    public var workspaceAccess: WorkspaceAccess?
    /// Its parent.
    public var parentID: UUID?
    /// The budget in cents per month; no limit when absent.
    public var budgetLimit: Int64?
    /// How many tasks may run at once; the template's when absent, else 1.
    public var maxConcurrentTasks: Int?
    /// The idle period in minutes after which it is hibernated.
    public var hibernationIdleMinutes: Int?
    /// Its position on the canvas.
    public var canvas: CanvasPosition?

    private enum CodingKeys: String, CodingKey {
        case name
        case role
        case template
        case tier
        case model
        case runtime
        case external
        case url
        case workspaceDirectory = "workspace_dir"
        case workspaceAccess = "workspace_access"
        case parentID = "parent_id"
        case budgetLimit = "budget_limit"
        case maxConcurrentTasks = "max_concurrent_tasks"
        case hibernationIdleMinutes = "hibernation_idle_minutes"
        case canvas
    }

    /// Creates the value.
    public init(
        name: String, role: String? = nil, template: String? = nil, tier: Int = 3, model: String? = nil,
        runtime: String? = nil, external: Bool = false, url: String? = nil, workspaceDirectory: String? = nil,
        workspaceAccess: WorkspaceAccess? = nil, parentID: UUID? = nil, budgetLimit: Int64? = nil,
        maxConcurrentTasks: Int? = nil, hibernationIdleMinutes: Int? = nil, canvas: CanvasPosition? = nil
    ) {
        self.name = name
        self.role = role
        self.template = template
        self.tier = tier
        self.model = model
        self.runtime = runtime
        self.external = external
        self.url = url
        self.workspaceDirectory = workspaceDirectory
        self.workspaceAccess = workspaceAccess
        self.parentID = parentID
        self.budgetLimit = budgetLimit
        self.maxConcurrentTasks = maxConcurrentTasks
        self.hibernationIdleMinutes = hibernationIdleMinutes
        self.canvas = canvas
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        role = try container.decodeIfPresent(String.self, forKey: .role)
        template = try container.decodeIfPresent(String.self, forKey: .template)
        tier = try container.decodeIfPresent(Int.self, forKey: .tier) ?? 3
        model = try container.decodeIfPresent(String.self, forKey: .model)
        runtime = try container.decodeIfPresent(String.self, forKey: .runtime)
        external = try container.decodeIfPresent(Bool.self, forKey: .external) ?? false
        url = try container.decodeIfPresent(String.self, forKey: .url)
        workspaceDirectory = try container.decodeIfPresent(String.self, forKey: .workspaceDirectory)
        workspaceAccess = try container.decodeIfPresent(WorkspaceAccess.self, forKey: .workspaceAccess)
        parentID = try container.decodeIfPresent(UUID.self, forKey: .parentID)
        budgetLimit = try container.decodeIfPresent(Int64.self, forKey: .budgetLimit)
        maxConcurrentTasks = try container.decodeIfPresent(Int.self, forKey: .maxConcurrentTasks)
        hibernationIdleMinutes = try container.decodeIfPresent(Int.self, forKey: .hibernationIdleMinutes)
        canvas = try container.decodeIfPresent(CanvasPosition.self, forKey: .canvas)
    }
}

/// PATCH `/workspaces/{id}`: members that are present change, `null` clears optional ones.
public struct UpdateWorkspaceRequest: Codable, Hashable, Sendable {
    /// Its name.
    public var name: Change<String>
    /// Its role.
    public var role: Change<String>
    /// Its tier.
    public var tier: Change<Int>
    /// Its parent; null makes it a root.
    public var parentID: Change<UUID>
    /// Its runtime.
    public var runtime: Change<String>
    /// Its folder.
    public var workspaceDirectory: Change<String>
    /// Position on the canvas, from the left.
    public var x: Change<Double>
    /// Position on the canvas, from the top.
    public var y: Change<Double>
    /// Whether its children are hidden on the canvas.
    public var collapsed: Change<Bool>
    /// How many tasks may run at once.
    public var maxConcurrentTasks: Change<Int>

    private enum CodingKeys: String, CodingKey {
        case name
        case role
        case tier
        case parentID = "parent_id"
        case runtime
        case workspaceDirectory = "workspace_dir"
        case x
        case y
        case collapsed
        case maxConcurrentTasks = "max_concurrent_tasks"
    }

    /// Creates the value.
    public init(
        name: Change<String> = .unchanged, role: Change<String> = .unchanged, tier: Change<Int> = .unchanged,
        parentID: Change<UUID> = .unchanged, runtime: Change<String> = .unchanged,
        workspaceDirectory: Change<String> = .unchanged, x: Change<Double> = .unchanged,
        y: Change<Double> = .unchanged, collapsed: Change<Bool> = .unchanged,
        maxConcurrentTasks: Change<Int> = .unchanged
    ) {
        self.name = name
        self.role = role
        self.tier = tier
        self.parentID = parentID
        self.runtime = runtime
        self.workspaceDirectory = workspaceDirectory
        self.x = x
        self.y = y
        self.collapsed = collapsed
        self.maxConcurrentTasks = maxConcurrentTasks
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.change(String.self, forKey: .name)
        role = try container.change(String.self, forKey: .role)
        tier = try container.change(Int.self, forKey: .tier)
        parentID = try container.change(UUID.self, forKey: .parentID)
        runtime = try container.change(String.self, forKey: .runtime)
        workspaceDirectory = try container.change(String.self, forKey: .workspaceDirectory)
        x = try container.change(Double.self, forKey: .x)
        y = try container.change(Double.self, forKey: .y)
        collapsed = try container.change(Bool.self, forKey: .collapsed)
        maxConcurrentTasks = try container.change(Int.self, forKey: .maxConcurrentTasks)
    }

    /// Writes the members that change.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, changeFor: .name)
        try container.encode(role, changeFor: .role)
        try container.encode(tier, changeFor: .tier)
        try container.encode(parentID, changeFor: .parentID)
        try container.encode(runtime, changeFor: .runtime)
        try container.encode(workspaceDirectory, changeFor: .workspaceDirectory)
        try container.encode(x, changeFor: .x)
        try container.encode(y, changeFor: .y)
        try container.encode(collapsed, changeFor: .collapsed)
        try container.encode(maxConcurrentTasks, changeFor: .maxConcurrentTasks)
    }
}

/// PATCH `/workspaces/{id}/budget`.
public struct UpdateBudgetRequest: Codable, Hashable, Sendable {
    /// The budget in cents per month; null removes the limit.
    public var budgetLimit: Change<Int64>

    private enum CodingKeys: String, CodingKey {
        case budgetLimit = "budget_limit"
    }

    /// Creates the value.
    public init(budgetLimit: Change<Int64> = .unchanged) {
        self.budgetLimit = budgetLimit
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        budgetLimit = try container.change(Int64.self, forKey: .budgetLimit)
    }

    /// Writes the members that change.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(budgetLimit, changeFor: .budgetLimit)
    }
}

/// PUT or POST of a secret.
public struct SecretRequest: Codable, Hashable, Sendable {
    /// `[A-Za-z_][A-Za-z0-9_]*`.
    public var key: String
    /// Up to 64 KiB.
    public var value: String

    private enum CodingKeys: String, CodingKey {
        case key
        case value
    }

    /// Creates the value.
    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}
