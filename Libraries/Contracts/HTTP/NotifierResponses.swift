import Foundation

/// An uploaded file.
public struct UploadedFile: Codable, Hashable, Sendable {
    /// `workspace:/workspace/.molecule/chat-uploads/<stored>`.
    public var uri: String
    /// Its sanitised name.
    public var name: String
    /// Its media type.
    public var mimeType: String
    /// Its size in bytes.
    public var size: Int64

    private enum CodingKeys: String, CodingKey {
        case uri
        case name
        case mimeType
        case size
    }

    /// Creates the value.
    public init(uri: String, name: String, mimeType: String, size: Int64) {
        self.uri = uri
        self.name = name
        self.mimeType = mimeType
        self.size = size
    }
}

/// The response to an upload, with one entry per file.
public struct UploadResponse: Codable, Hashable, Sendable {
    /// The files in the order sent.
    public var files: [UploadedFile]

    private enum CodingKeys: String, CodingKey {
        case files
    }

    /// Creates the value.
    public init(files: [UploadedFile]) {
        self.files = files
    }
}

/// An event on an SSE stream; its `id:` is the event's sequence number.
public struct StreamMessage: Codable, Hashable, Sendable {
    /// The client event name.
    public var type: String
    /// When it happened, in milliseconds since 1970.
    public var timestamp: Int64
    /// The event's data.
    public var data: RawJSON

    private enum CodingKeys: String, CodingKey {
        case type
        case timestamp
        case data
    }

    /// Creates the value.
    public init(type: String, timestamp: Int64, data: RawJSON) {
        self.type = type
        self.timestamp = timestamp
        self.data = data
    }
}

/// An event on a WebSocket.
public struct SocketMessage: Codable, Hashable, Sendable {
    /// The client event name.
    public var event: String
    /// The workspace that it is about.
    @OrNull public var workspaceID: UUID?
    /// When it happened.
    public var timestamp: Date
    /// The event's data.
    public var payload: RawJSON

    private enum CodingKeys: String, CodingKey {
        case event
        case workspaceID = "workspace_id"
        case timestamp
        case payload
    }

    /// Creates the value.
    public init(event: String, workspaceID: UUID? = nil, timestamp: Date, payload: RawJSON) {
        self.event = event
        self.workspaceID = workspaceID
        self.timestamp = timestamp
        self.payload = payload
    }
}

/// An entry of GET `/events`.
public struct EventEntry: Codable, Hashable, Sendable {
    /// The event.
    public var id: UUID
    /// The client event name.
    public var eventType: String
    /// The workspace that it is about.
    @OrNull public var workspaceID: UUID?
    /// The event's data.
    public var payload: RawJSON
    /// When it was written.
    public var createdAt: Date

    private enum CodingKeys: String, CodingKey {
        case id
        case eventType = "event_type"
        case workspaceID = "workspace_id"
        case payload
        case createdAt = "created_at"
    }

    /// Creates the value.
    public init(id: UUID, eventType: String, workspaceID: UUID? = nil, payload: RawJSON, createdAt: Date) {
        self.id = id
        self.eventType = eventType
        self.workspaceID = workspaceID
        self.payload = payload
        self.createdAt = createdAt
    }
}
