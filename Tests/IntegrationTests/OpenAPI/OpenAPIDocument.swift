import Foundation
import JSONBytes
import Templates

/// `docs/openapi.yaml`, as far as tests look into it.
struct OpenAPIDocument: Sendable {
    let root: YAMLValue
    let operations: [OpenAPIOperation]

    /// Reads the document.
    static func read() throws -> OpenAPIDocument {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: Repository.path("docs/openapi.yaml")))
        var reader = YAMLReader()
        reader.maximumBytes = 1 << 20
        reader.maximumValues = 200_000
        guard let root = try reader.read(Array(bytes)) else { throw OpenAPIError("the document is empty") }
        return try OpenAPIDocument(root)
    }

    private init(_ root: YAMLValue) throws {
        self.root = root
        operations = try (root["paths"]?.members ?? [:]).sorted { $0.key < $1.key }.flatMap { path, item in
            let shared = item["parameters"]?.elements ?? []
            return try item.members.filter { $0.key != "parameters" }.sorted { $0.key < $1.key }.map { method, value in
                let parameters = try (shared + (value["parameters"]?.elements ?? [])).map {
                    try Self.resolved($0, in: root)
                }
                let responses = try (value["responses"]?.members ?? [:]).mapValues { try Self.resolved($0, in: root) }
                return OpenAPIOperation(
                    method: method.uppercased(), path: path, value: value, parameters: parameters,
                    responses: responses)
            }
        }
    }

    /// What a `$ref` refers to; the value itself when it is none.
    private static func resolved(_ value: YAMLValue, in root: YAMLValue) throws -> YAMLValue {
        guard let reference = value["$ref"]?.string else { return value }
        return try target(of: reference, in: root)
    }

    private static func target(of reference: String, in root: YAMLValue) throws -> YAMLValue {
        var place: YAMLValue? = reference.hasPrefix("#/") ? root : nil
        for name in reference.dropFirst(2).split(separator: "/") { place = place?[String(name)] }
        guard let place else { throw OpenAPIError("\(reference) refers to nothing") }
        return place
    }

    /// What a `$ref` of the document refers to.
    func target(of reference: String) throws -> YAMLValue {
        try Self.target(of: reference, in: root)
    }

    /// What every `$ref` of the document refers to, by reference.
    ///
    /// - Throws: `OpenAPIError` naming one that refers to nothing.
    func resolveAll() throws -> [String: YAMLValue] {
        var found: [String: YAMLValue] = [:]
        for reference in root.references { found[reference] = try Self.target(of: reference, in: root) }
        return found
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
