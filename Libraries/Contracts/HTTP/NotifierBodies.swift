/// A file attached to a message.
public struct Attachment: Codable, Hashable, Sendable {
    /// Its URI; required, but empty when missing: the route has an error message of its own.
    public var uri: String
    /// Its name; required, as `uri`.
    public var name: String
    /// Its media type.
    public var mimeType: String?
    /// Its size in bytes.
    public var size: Int64?

    private enum CodingKeys: String, CodingKey {
        case uri
        case name
        case mimeType
        case size
    }

    /// Creates the value.
    public init(uri: String = "", name: String = "", mimeType: String? = nil, size: Int64? = nil) {
        self.uri = uri
        self.name = name
        self.mimeType = mimeType
        self.size = size
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        uri = try container.decodeIfPresent(String.self, forKey: .uri) ?? ""
        name = try container.decodeIfPresent(String.self, forKey: .name) ?? ""
        mimeType = try container.decodeIfPresent(String.self, forKey: .mimeType)
        size = try container.decodeIfPresent(Int64.self, forKey: .size)
    }
}

/// POST `/workspaces/{id}/notify`.
public struct NotifyRequest: Codable, Hashable, Sendable {
    /// How many files a message may have.
    public static let attachmentLimit = 100

    /// Required; empty when missing, for which the route has an error message of its own.
    public var message: String
    /// The attached files.
    public var attachments: [Attachment]

    private enum CodingKeys: String, CodingKey {
        case message
        case attachments
    }

    /// Creates the value.
    public init(message: String = "", attachments: [Attachment] = []) {
        self.message = message
        self.attachments = attachments
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        message = try container.decodeIfPresent(String.self, forKey: .message) ?? ""
        attachments = try container.list(of: Attachment.self, forKey: .attachments, upTo: Self.attachmentLimit) ?? []
    }
}
