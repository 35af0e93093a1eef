import JSONBytes
import Templates

/// `docs/openapi.yaml`, as far as tests read it.
struct OpenAPIDocument: Sendable {
    let yaml: YAMLDocument
    let operations: [OpenAPIOperation]

    var root: YAMLValue { yaml.root }

    /// Reads the document.
    static func read() throws -> OpenAPIDocument {
        try OpenAPIDocument(YAMLDocument("docs/openapi.yaml"))
    }

    private init(_ yaml: YAMLDocument) throws {
        self.yaml = yaml
        operations = try (yaml.root["paths"]?.members ?? [:]).sorted { $0.key < $1.key }.flatMap { path, item in
            let shared = item["parameters"]?.elements ?? []
            return try item.members.filter { $0.key != "parameters" }.sorted { $0.key < $1.key }.map { method, value in
                let parameters = try (shared + (value["parameters"]?.elements ?? [])).map { try yaml.resolved($0) }
                let responses = try (value["responses"]?.members ?? [:]).mapValues { try yaml.resolved($0) }
                return OpenAPIOperation(
                    method: method.uppercased(), path: path, value: value, parameters: parameters,
                    responses: responses)
            }
        }
    }

    /// The operation of a method and path template.
    func operation(_ name: String) throws -> OpenAPIOperation {
        guard let found = operations.first(where: { $0.name == name }) else {
            throw OpenAPIError("\(name) is not described")
        }
        return found
    }
}

/// What is wrong with the document.
struct OpenAPIError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension YAMLValue {
    var members: [String: YAMLValue] { if case .mapping(let members) = self { members } else { [:] } }
    var elements: [YAMLValue] { if case .sequence(let elements) = self { elements } else { [] } }
    var strings: [String] { elements.compactMap(\.string) }

    /// The targets of every `$ref` in it.
    var references: [String] {
        switch self {
        case .scalar: []
        case .sequence(let elements): elements.flatMap(\.references)
        case .mapping(let members):
            members.flatMap { name, value in name == "$ref" ? [value.string ?? ""] : value.references }
        }
    }

    /// The value as JSON has it.
    var json: JSONValue {
        switch self {
        case .sequence(let elements): .array(elements.map(\.json))
        case .mapping(let members): .object(members.mapValues(\.json))
        case .scalar where isNull: .null
        case .scalar("true", isPlain: true): .bool(true)
        case .scalar("false", isPlain: true): .bool(false)
        case .scalar(let text, let isPlain):
            int.map { .int($0) } ?? (isPlain ? Double(text).map { .double($0) } : nil) ?? .string(text)
        }
    }
}
