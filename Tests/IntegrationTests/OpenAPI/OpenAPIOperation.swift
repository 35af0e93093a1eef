import Foundation
import JSONBytes
import Templates

/// One method of one path, as the document describes it.
struct OpenAPIOperation: Sendable, CustomStringConvertible {
    let method: String
    /// The template, e.g. `/workspaces/{id}/a2a`.
    let path: String
    let value: YAMLValue
    /// Those of the path and its own, resolved.
    let parameters: [YAMLValue]
    /// By status, resolved.
    let responses: [String: YAMLValue]

    /// As services print their routes.
    var name: String { "\(method) \(path)" }
    var description: String { name }
    /// The services that are said to serve it.
    var tags: [String] { value["tags"]?.strings ?? [] }
    var rule: AccessRule? { value["x-auth"]?.string.flatMap(AccessRule.init) }

    /// The names in the template's braces.
    var pathNames: [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }

    /// The headers that a request may have.
    var headerNames: [String] {
        parameters.filter { $0["in"]?.string == "header" }.compactMap { $0["name"]?.string }
    }

    /// The path with the examples of its parameters.
    var examplePath: String {
        parameters.filter { $0["in"]?.string == "path" }.reduce(path) { path, parameter in
            path.replacing("{\(parameter["name"]?.string ?? "")}", with: parameter["example"]?.string ?? "")
        }
    }

    /// The path with one text for every parameter.
    func path(with value: String) -> String {
        pathNames.reduce(path) { $0.replacing("{\($1)}", with: value) }
    }

    /// Of JSON; forms have tests of their own.
    var takesBody: Bool { bodyContent != nil }
    var exampleBody: JSONValue? { bodyContent?["example"]?.json }
    var bodySchema: YAMLValue? { bodyContent?["schema"] }
    private var bodyContent: YAMLValue? { value["requestBody"]?["content"]?["application/json"] }

    /// The schema of a response with this status; nil for one that is no JSON.
    func schema(_ status: Int) -> YAMLValue? {
        responses[String(status)]?["content"]?["application/json"]?["schema"]
    }

    /// What its `security` allows: the schemes that are needed together, in each way that there is.
    var security: Set<Set<String>>? {
        value["security"].map { Set($0.elements.map { Set($0.members.keys) }) }
    }
}
