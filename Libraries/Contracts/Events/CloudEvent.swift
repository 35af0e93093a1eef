import Foundation

/// An event between services: CloudEvents 1.0.
///
/// `type` is kept as text and `data` as bytes: a consumer dispatches on the type, and decodes the data only when it
/// needs to.
public struct CloudEvent: Hashable, Sendable {
    /// Unique; consumers use it to be idempotent.
    public var id: UUID
    /// `switchyard/<service>`.
    public var source: String
    /// The routing key.
    public var type: String
    /// The workspace it is about, nil for events about the platform.
    public var subject: UUID?
    /// When it happened.
    public var time: Date
    /// The data, one JSON value.
    public var data: RawJSON
    /// The W3C trace context of its cause.
    public var traceparent: String?
    /// The row of a durable event in `structure_events`; orders events of one log.
    public var sequence: Int64?

    /// The kind of event, nil for one that this version does not know.
    public var kind: EventType? { EventType(rawValue: type) }

    /// Creates an event from data that is JSON already.
    public init(
        id: UUID = UUID(), source: String, type: String, subject: UUID?, time: Date = Date(), data: RawJSON,
        traceparent: String? = nil, sequence: Int64? = nil
    ) {
        self.id = id
        self.source = source
        self.type = type
        self.subject = subject
        self.time = time
        self.data = data
        self.traceparent = traceparent
        self.sequence = sequence
    }

    /// Creates an event of a known type.
    /// - Throws: ``WireError`` when the data holds a number that JSON cannot represent.
    public init<Payload: EventData>(
        id: UUID = UUID(), source: String, type: EventType, subject: UUID?, time: Date = Date(), data: Payload,
        traceparent: String? = nil
    ) throws(WireError) {
        assert(Payload.types.contains(type), "this data belongs to other types")
        self.init(
            id: id, source: source, type: type.rawValue, subject: subject, time: time,
            data: try RawJSON(encoding: data), traceparent: traceparent)
    }

    /// Decodes the data.
    /// - Throws: ``WireError`` when it does not match the type.
    public func decodeData<Payload: EventData>(as type: Payload.Type) throws(WireError) -> Payload {
        // The data is the platform's; what it took from outside are members of it.
        try WireJSON.decode(type, from: data.bytes, wrappedIn: 1)
    }

    /// The `source` of a service's events.
    public static func source(ofService service: String) -> String { "switchyard/\(service)" }

    /// The content type of one event.
    public static let contentType = "application/cloudevents+json"
    /// The content type of a batch.
    public static let batchContentType = "application/cloudevents-batch+json"
}

/// The data of one or more types of events.
public protocol EventData: Codable, Hashable, Sendable {
    /// The types whose data this is.
    static var types: [EventType] { get }
}

extension CloudEvent {
    /// Whether its subject has another parent now, and not only another URL.
    public var changesParent: Bool {
        guard kind == .workspaceMoved else { return false }
        guard let moved = try? decodeData(as: WorkspaceMoved.self) else { return true }
        return moved.parentID != moved.previousParentID
    }
}
