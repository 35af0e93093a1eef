import JSONBytes
import Templates

/// `docs/asyncapi.yaml`, as far as tests read it.
struct AsyncAPIDocument: Sendable {
    let yaml: YAMLDocument

    var channels: [String: YAMLValue] { yaml.root["channels"]?.members ?? [:] }
    var operations: [String: YAMLValue] { yaml.root["operations"]?.members ?? [:] }
    var messages: [String: YAMLValue] { components("messages") }

    /// Reads the document.
    static func read() throws -> AsyncAPIDocument {
        AsyncAPIDocument(yaml: try YAMLDocument("docs/asyncapi.yaml"))
    }

    /// The components of a kind, by name.
    func components(_ kind: String) -> [String: YAMLValue] { yaml.root["components"]?[kind]?.members ?? [:] }

    func schema(_ name: String) throws -> YAMLValue { try yaml.target(of: "#/components/schemas/\(name)") }

    /// What the payload of a message is.
    func payload(_ message: String) throws -> YAMLValue {
        guard let payload = messages[message]?["payload"] else { throw OpenAPIError("\(message) has no payload") }
        return payload
    }

    /// The names of a channel's messages, as the components call them, by what the channel calls them.
    func messages(of channel: YAMLValue) -> [String: String] {
        (channel["messages"]?.members ?? [:]).compactMapValues { message in
            message["$ref"]?.string.flatMap { $0.split(separator: "/").last.map(String.init) }
        }
    }

    /// Those channels whose AMQP binding is of a kind: `routingKey` or `queue`.
    func channels(that kind: String) throws -> [String: YAMLValue] {
        try channels.filter { try amqp($0.value)?["is"]?.string == kind }
    }

    /// The AMQP binding of a channel or an operation.
    func amqp(_ value: YAMLValue) throws -> YAMLValue? {
        try value["bindings"].map { try yaml.resolved($0) }?["amqp"]
    }

    /// What does not fit in a message's payload.
    func problems(_ value: JSONValue, in message: String) throws -> [String] {
        try SchemaCheck(document: yaml).problems(value, payload(message))
    }
}
