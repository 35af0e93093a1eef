import Foundation

/// POST `/workspaces/{id}/activity`.
public struct ActivityReportRequest: Codable, Hashable, Sendable {
    /// One of ``ActivityType/reportable``, as text: the route has an error message of its own for others.
    public var activityType: String
    /// The reporting workspace, if given.
    public var sourceID: String?
    /// The other workspace concerned.
    public var targetID: String?
    /// The JSON-RPC method.
    public var method: String?
    /// One line for people.
    public var summary: String?
    /// The request body.
    public var requestBody: RawJSON?
    /// The response body.
    public var responseBody: RawJSON?
    /// Used in place of a missing request body.
    public var metadata: RawJSON?
    /// `ok` when absent.
    public var status: String?
    /// How long it took.
    public var durationMilliseconds: Int?
    /// The error, if any.
    public var errorDetail: String?
    /// The tools that were called.
    public var toolTrace: RawJSON?

    private enum CodingKeys: String, CodingKey {
        case activityType = "activity_type"
        case sourceID = "source_id"
        case targetID = "target_id"
        case method
        case summary
        case requestBody = "request_body"
        case responseBody = "response_body"
        case metadata
        case status
        case durationMilliseconds = "duration_ms"
        case errorDetail = "error_detail"
        case toolTrace = "tool_trace"
    }

    /// Creates the value.
    public init(
        activityType: String = "", sourceID: String? = nil, targetID: String? = nil, method: String? = nil,
        summary: String? = nil, requestBody: RawJSON? = nil, responseBody: RawJSON? = nil,
        metadata: RawJSON? = nil, status: String? = nil, durationMilliseconds: Int? = nil,
        errorDetail: String? = nil, toolTrace: RawJSON? = nil
    ) {
        self.activityType = activityType
        self.sourceID = sourceID
        self.targetID = targetID
        self.method = method
        self.summary = summary
        self.requestBody = requestBody
        self.responseBody = responseBody
        self.metadata = metadata
        self.status = status
        self.durationMilliseconds = durationMilliseconds
        self.errorDetail = errorDetail
        self.toolTrace = toolTrace
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        activityType = try container.decodeIfPresent(String.self, forKey: .activityType) ?? ""
        sourceID = try container.decodeIfPresent(String.self, forKey: .sourceID)
        targetID = try container.decodeIfPresent(String.self, forKey: .targetID)
        method = try container.decodeIfPresent(String.self, forKey: .method)
        summary = try container.decodeIfPresent(String.self, forKey: .summary)
        requestBody = try container.decodeIfPresent(RawJSON.self, forKey: .requestBody)
        responseBody = try container.decodeIfPresent(RawJSON.self, forKey: .responseBody)
        metadata = try container.decodeIfPresent(RawJSON.self, forKey: .metadata)
        status = try container.decodeIfPresent(String.self, forKey: .status)
        durationMilliseconds = try container.decodeIfPresent(Int.self, forKey: .durationMilliseconds)
        errorDetail = try container.decodeIfPresent(String.self, forKey: .errorDetail)
        toolTrace = try container.decodeIfPresent(RawJSON.self, forKey: .toolTrace)
    }
}

/// A row of the activity feed.
public struct ActivityEntry: Codable, Hashable, Sendable {
    /// The row's id.
    public var id: UUID
    /// The workspace whose feed it is in.
    public var workspaceID: UUID
    /// Its kind.
    public var activityType: ActivityType
    /// The workspace that sent it; null for a person or a schedule.
    @OrNull public var sourceID: UUID?
    /// The workspace that received it.
    @OrNull public var targetID: UUID?
    /// The JSON-RPC method.
    @OrNull public var method: String?
    /// One line for people.
    @OrNull public var summary: String?
    /// The request body; left out when there is none.
    public var requestBody: RawJSON?
    /// The response body; left out when there is none.
    public var responseBody: RawJSON?
    /// The tools that were called; left out when there is none.
    public var toolTrace: RawJSON?
    /// `ok`, `error` or what the reporter said.
    public var status: String
    /// How long it took.
    @OrNull public var durationMilliseconds: Int?
    /// The error, if any.
    @OrNull public var errorDetail: String?
    /// Input tokens of the model, when known.
    public var inputTokens: Int64?
    /// Output tokens of the model, when known.
    public var outputTokens: Int64?
    /// When it was written.
    public var createdAt: Date

    private enum CodingKeys: String, CodingKey {
        case id
        case workspaceID = "workspace_id"
        case activityType = "activity_type"
        case sourceID = "source_id"
        case targetID = "target_id"
        case method
        case summary
        case requestBody = "request_body"
        case responseBody = "response_body"
        case toolTrace = "tool_trace"
        case status
        case durationMilliseconds = "duration_ms"
        case errorDetail = "error_detail"
        case inputTokens = "input_tokens"
        case outputTokens = "output_tokens"
        case createdAt = "created_at"
    }

    /// Creates the value.
    public init(
        id: UUID, workspaceID: UUID, activityType: ActivityType, sourceID: UUID? = nil, targetID: UUID? = nil,
        method: String? = nil, summary: String? = nil, requestBody: RawJSON? = nil,
        responseBody: RawJSON? = nil, toolTrace: RawJSON? = nil, status: String,
        durationMilliseconds: Int? = nil, errorDetail: String? = nil, inputTokens: Int64? = nil,
        outputTokens: Int64? = nil, createdAt: Date
    ) {
        self.id = id
        self.workspaceID = workspaceID
        self.activityType = activityType
        self.sourceID = sourceID
        self.targetID = targetID
        self.method = method
        self.summary = summary
        self.requestBody = requestBody
        self.responseBody = responseBody
        self.toolTrace = toolTrace
        self.status = status
        self.durationMilliseconds = durationMilliseconds
        self.errorDetail = errorDetail
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.createdAt = createdAt
    }
}
