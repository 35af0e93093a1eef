import Foundation

/// POST `/workspaces/{id}/delegate`.
public struct DelegateRequest: Codable, Hashable, Sendable {
    /// A UUID, as text: the route has an error message of its own for others.
    public var targetID: String
    /// The task.
    public var task: String
    /// The idempotency key: the same key from the same source is the same delegation.
    public var idempotencyKey: String?

    private enum CodingKeys: String, CodingKey {
        case targetID = "target_id"
        case task
        case idempotencyKey = "idempotency_key"
    }

    /// Creates the value.
    public init(targetID: String, task: String, idempotencyKey: String? = nil) {
        self.targetID = targetID
        self.task = task
        self.idempotencyKey = idempotencyKey
    }
}

/// The 202 response to a delegation, or the 200 response to one that exists already.
public struct DelegateResponse: Codable, Hashable, Sendable {
    /// The delegation.
    public var delegationID: UUID
    /// `delegated`, `recorded`, or the status of the existing one.
    public var status: String
    /// The workspace that it is delegated to.
    public var targetID: UUID?
    /// True for an existing delegation, else left out.
    public var idempotentHit: Bool?

    private enum CodingKeys: String, CodingKey {
        case delegationID = "delegation_id"
        case status
        case targetID = "target_id"
        case idempotentHit = "idempotent_hit"
    }

    /// Creates the value.
    public init(delegationID: UUID, status: String, targetID: UUID? = nil, idempotentHit: Bool? = nil) {
        self.delegationID = delegationID
        self.status = status
        self.targetID = targetID
        self.idempotentHit = idempotentHit
    }
}

/// POST `/workspaces/{id}/delegations/record`.
public struct RecordDelegationRequest: Codable, Hashable, Sendable {
    /// A UUID, as text: the route has an error message of its own for others.
    public var targetID: String
    /// The task that was sent.
    public var task: String
    /// The agent's own id for it, when it is a UUID.
    public var delegationID: String?

    private enum CodingKeys: String, CodingKey {
        case targetID = "target_id"
        case task
        case delegationID = "delegation_id"
    }

    /// Creates the value.
    public init(targetID: String, task: String = "", delegationID: String? = nil) {
        self.targetID = targetID
        self.task = task
        self.delegationID = delegationID
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        targetID = try container.decode(String.self, forKey: .targetID)
        task = try container.decodeIfPresent(String.self, forKey: .task) ?? ""
        delegationID = try container.decodeIfPresent(String.self, forKey: .delegationID)
    }
}

/// POST `/workspaces/{id}/delegations/{delegation_id}/update`.
public struct UpdateDelegationRequest: Codable, Hashable, Sendable {
    /// `completed` or `failed`.
    public var status: String
    /// Why it failed.
    public var error: String?
    /// The response, or its beginning.
    public var responsePreview: String?

    private enum CodingKeys: String, CodingKey {
        case status
        case error
        case responsePreview = "response_preview"
    }

    /// Creates the value.
    public init(status: String = "", error: String? = nil, responsePreview: String? = nil) {
        self.status = status
        self.error = error
        self.responsePreview = responsePreview
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        status = try container.decodeIfPresent(String.self, forKey: .status) ?? ""
        error = try container.decodeIfPresent(String.self, forKey: .error)
        responsePreview = try container.decodeIfPresent(String.self, forKey: .responsePreview)
    }
}

/// An entry of the list of delegations: a request, or its result, which precedes it.
public struct DelegationEntry: Codable, Hashable, Sendable {
    /// The delegation's id, the same in both entries.
    public var id: UUID
    /// Always `delegation`.
    public var type: String
    /// The workspace that delegated it.
    public var sourceID: UUID
    /// The workspace that it is delegated to.
    public var targetID: UUID
    /// One line for people.
    public var summary: String
    /// Its status.
    public var status: DelegationStatus
    /// When the entry was created.
    public var createdAt: Date
    /// The delegation's id again, under the name that agents expect.
    public var delegationID: UUID?
    /// Why it failed.
    public var error: String?
    /// The response, cut to 300 characters and `...`.
    public var responsePreview: String?

    private enum CodingKeys: String, CodingKey {
        case id
        case type
        case sourceID = "source_id"
        case targetID = "target_id"
        case summary
        case status
        case createdAt = "created_at"
        case delegationID = "delegation_id"
        case error
        case responsePreview = "response_preview"
    }

    /// Creates the value.
    public init(
        id: UUID, type: String = "delegation", sourceID: UUID, targetID: UUID, summary: String,
        status: DelegationStatus, createdAt: Date, delegationID: UUID? = nil, error: String? = nil,
        responsePreview: String? = nil
    ) {
        self.id = id
        self.type = type
        self.sourceID = sourceID
        self.targetID = targetID
        self.summary = summary
        self.status = status
        self.createdAt = createdAt
        self.delegationID = delegationID
        self.error = error
        self.responsePreview = responsePreview
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(UUID.self, forKey: .id)
        type = try container.decodeIfPresent(String.self, forKey: .type) ?? "delegation"
        sourceID = try container.decode(UUID.self, forKey: .sourceID)
        targetID = try container.decode(UUID.self, forKey: .targetID)
        summary = try container.decode(String.self, forKey: .summary)
        status = try container.decode(DelegationStatus.self, forKey: .status)
        createdAt = try container.decode(Date.self, forKey: .createdAt)
        delegationID = try container.decodeIfPresent(UUID.self, forKey: .delegationID)
        error = try container.decodeIfPresent(String.self, forKey: .error)
        responsePreview = try container.decodeIfPresent(String.self, forKey: .responsePreview)
    }
}

/// GET `/workspaces/{id}/delegations/{delegation_id}`: a delegation with its full result.
public struct DelegationDetail: Codable, Hashable, Sendable {
    /// The delegation.
    public var delegationID: UUID
    /// The workspace that delegated it.
    public var sourceID: UUID
    /// The workspace that it is delegated to.
    public var targetID: UUID
    /// The task.
    public var task: String
    /// Its status.
    public var status: DelegationStatus
    /// Its queue item.
    @OrNull public var queueID: UUID?
    /// The full text of the response.
    @OrNull public var response: String?
    /// The beginning of the response.
    @OrNull public var responsePreview: String?
    /// Why it failed.
    @OrNull public var error: String?
    /// When it was accepted.
    public var createdAt: Date
    /// When its status last changed.
    public var updatedAt: Date
    /// When it ended.
    @OrNull public var completedAt: Date?

    private enum CodingKeys: String, CodingKey {
        case delegationID = "delegation_id"
        case sourceID = "source_id"
        case targetID = "target_id"
        case task
        case status
        case queueID = "queue_id"
        case response
        case responsePreview = "response_preview"
        case error
        case createdAt = "created_at"
        case updatedAt = "updated_at"
        case completedAt = "completed_at"
    }

    /// Creates the value.
    public init(
        delegationID: UUID, sourceID: UUID, targetID: UUID, task: String, status: DelegationStatus,
        queueID: UUID? = nil, response: String? = nil, responsePreview: String? = nil, error: String? = nil,
        createdAt: Date, updatedAt: Date, completedAt: Date? = nil
    ) {
        self.delegationID = delegationID
        self.sourceID = sourceID
        self.targetID = targetID
        self.task = task
        self.status = status
        self.queueID = queueID
        self.response = response
        self.responsePreview = responsePreview
        self.error = error
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.completedAt = completedAt
    }
}
