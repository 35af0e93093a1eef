import Foundation

/// The response to GET `/workspaces/{id}/budget`, in cents.
public struct Budget: Codable, Hashable, Sendable {
    /// The monthly budget, null without a limit.
    @OrNull public var budgetLimit: Int64?
    /// The spend of this month.
    public var monthlySpend: Int64
    /// The remaining budget, null without a limit.
    @OrNull public var budgetRemaining: Int64?

    private enum CodingKeys: String, CodingKey {
        case budgetLimit = "budget_limit"
        case monthlySpend = "monthly_spend"
        case budgetRemaining = "budget_remaining"
    }

    /// Creates the value.
    public init(budgetLimit: Int64? = nil, monthlySpend: Int64, budgetRemaining: Int64? = nil) {
        self.budgetLimit = budgetLimit
        self.monthlySpend = monthlySpend
        self.budgetRemaining = budgetRemaining
    }
}

/// An entry of GET `/templates`.
public struct TemplateEntry: Codable, Hashable, Sendable {
    /// The template's name.
    public var name: String
    /// The runtime.
    public var runtime: String
    /// The model.
    @OrNull public var model: String?
    /// How many tasks may run at once.
    @OrNull public var maxConcurrentTasks: Int?
    /// The time limit of a workspace's start.
    @OrNull public var provisionTimeoutMilliseconds: Int?

    private enum CodingKeys: String, CodingKey {
        case name
        case runtime
        case model
        case maxConcurrentTasks = "max_concurrent_tasks"
        case provisionTimeoutMilliseconds = "provision_timeout_ms"
    }

    /// Creates the value.
    public init(
        name: String, runtime: String, model: String? = nil, maxConcurrentTasks: Int? = nil,
        provisionTimeoutMilliseconds: Int? = nil
    ) {
        self.name = name
        self.runtime = runtime
        self.model = model
        self.maxConcurrentTasks = maxConcurrentTasks
        self.provisionTimeoutMilliseconds = provisionTimeoutMilliseconds
    }
}

/// A secret in a list: never its value.
public struct SecretEntry: Codable, Hashable, Sendable {
    /// Its name.
    public var key: String
    /// When it was created.
    public var createdAt: Date
    /// When it was last set.
    public var updatedAt: Date

    private enum CodingKeys: String, CodingKey {
        case key
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }

    /// Creates the value.
    public init(key: String, createdAt: Date, updatedAt: Date) {
        self.key = key
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
