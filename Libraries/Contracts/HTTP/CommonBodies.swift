/// The response of routes that only report what was done: `{"status":"updated"}`.
public struct StatusResponse: Codable, Hashable, Sendable {
    /// What was done.
    public var status: String

    private enum CodingKeys: String, CodingKey {
        case status
    }

    /// Creates the value.
    public init(status: String) {
        self.status = status
    }
}

/// The body of every error response. Members beyond `error` are present only where a route's description names them.
public struct ErrorBody: Codable, Hashable, Sendable {
    /// A short message that is safe to show.
    public var error: String
    /// The error code, for programs.
    public var code: ErrorCode?
    /// The invalid member of the request.
    public var field: String?
    /// What is wrong with it.
    public var reason: String?
    /// The limit that it exceeds.
    public var limit: Int?
    /// Seconds after which a retry makes sense.
    public var retryAfter: Int?
    /// The target is busy.
    public var busy: Bool?
    /// The target keeps its own queue.
    public var nativeSession: Bool?
    /// The target is being woken.
    public var waking: Bool?
    /// The target is being restarted.
    public var restarting: Bool?
    /// The agent has certainly received the message.
    public var deliveryConfirmed: Bool?
    /// The workspace's status.
    public var status: String?
    /// How many active tasks prevent the hibernation of the workspace.
    public var activeTasks: Int?
    /// The workspace was removed.
    public var deleted: Bool?

    private enum CodingKeys: String, CodingKey {
        case error
        case code
        case field
        case reason
        case limit
        case retryAfter = "retry_after"
        case busy
        case nativeSession = "native_session"
        case waking
        case restarting
        case deliveryConfirmed = "delivery_confirmed"
        case status
        case activeTasks = "active_tasks"
        case deleted
    }

    /// Creates the value.
    public init(
        error: String, code: ErrorCode? = nil, field: String? = nil, reason: String? = nil, limit: Int? = nil,
        retryAfter: Int? = nil, busy: Bool? = nil, nativeSession: Bool? = nil, waking: Bool? = nil,
        restarting: Bool? = nil, deliveryConfirmed: Bool? = nil, status: String? = nil, activeTasks: Int? = nil,
        deleted: Bool? = nil
    ) {
        self.error = error
        self.code = code
        self.field = field
        self.reason = reason
        self.limit = limit
        self.retryAfter = retryAfter
        self.busy = busy
        self.nativeSession = nativeSession
        self.waking = waking
        self.restarting = restarting
        self.deliveryConfirmed = deliveryConfirmed
        self.status = status
        self.activeTasks = activeTasks
        self.deleted = deleted
    }
}
