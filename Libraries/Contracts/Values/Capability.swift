/// Features that a runtime provides natively, so that the platform does not. The raw value is
/// `workspace_vitals.capabilities`.
public struct Capabilities: OptionSet, Codable, Hashable, Sendable {
    /// The bits, as stored.
    public let rawValue: Int16

    /// Creates a set from stored bits; unknown ones are kept.
    public init(rawValue: Int16) {
        self.rawValue = rawValue
    }

    /// It sends its own heartbeats.
    public static let heartbeat = Capabilities(rawValue: 1 << 0)
    /// It fires its schedules itself.
    public static let scheduler = Capabilities(rawValue: 1 << 1)
    /// It keeps its own queue: while it is busy, messages get an error response and are not queued.
    public static let session = Capabilities(rawValue: 1 << 2)
    /// It reports its status: the platform infers none from error rates.
    public static let statusManagement = Capabilities(rawValue: 1 << 3)
    /// It retries by itself.
    public static let retry = Capabilities(rawValue: 1 << 4)
    /// It decorates its own activity.
    public static let activityDecoration = Capabilities(rawValue: 1 << 5)
    /// It dispatches to channels by itself.
    public static let channelDispatch = Capabilities(rawValue: 1 << 6)

    /// The names used on the wire, in the order of the bits.
    public static let names: [(name: String, capability: Capabilities)] = [
        ("heartbeat", .heartbeat), ("scheduler", .scheduler), ("session", .session),
        ("status_mgmt", .statusManagement), ("retry", .retry), ("activity_decoration", .activityDecoration),
        ("channel_dispatch", .channelDispatch),
    ]

    /// The capability of a name on the wire, nil for one that the platform does not know.
    public init?(name: some StringProtocol) {
        guard let known = Self.names.first(where: { $0.name == name }) else { return nil }
        self = known.capability
    }

    /// Reads `{name: bool}`. Unknown names and values that are not booleans are ignored: they must not make the
    /// heartbeats of newer agents invalid.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: NameKey.self)
        self = try Self.names.reduce(into: []) { set, known in
            let key = NameKey(stringValue: known.name)
            guard container.contains(key), try !container.decodeNil(forKey: key) else { return }
            if (try? container.decode(Bool.self, forKey: key)) == true { set.insert(known.capability) }
        }
    }

    /// Writes `{name: true}` for each capability in the set.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: NameKey.self)
        for known in Self.names where contains(known.capability) {
            try container.encode(true, forKey: NameKey(stringValue: known.name))
        }
    }

    private struct NameKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
