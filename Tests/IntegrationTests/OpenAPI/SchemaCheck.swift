import Foundation
import JSONBytes
import Templates

/// Compares JSON with a schema of the document: the keywords that the document uses, and besides that no member may be
/// there that the schema does not name.
struct SchemaCheck {
    let document: YAMLDocument

    /// What does not fit, each with its place.
    func problems(_ value: JSONValue, _ schema: YAMLValue, at place: String = "") throws -> [String] {
        try problems(value, try parts(of: schema), at: place)
    }

    private func problems(_ value: JSONValue, _ parts: [YAMLValue], at place: String) throws -> [String] {
        if let index = parts.firstIndex(where: { $0["anyOf"] != nil }) {
            // Keywords beside the choices hold with each of them; a choice's own schema of a member comes first.
            var others = parts
            others[index] = .mapping(parts[index].members.filter { $0.key != "anyOf" })
            let found = try (parts[index]["anyOf"]?.elements ?? []).map { choice in
                try problems(value, try self.parts(of: choice) + others, at: place)
            }
            return found.min { $0.count < $1.count } ?? []
        }
        var found = parts.flatMap { part in scalarProblems(value, part, at: place) }
        switch value {
        case .object(let members): found += try memberProblems(members, parts, at: place)
        case .array(let elements):
            guard let items = parts.compactMap({ $0["items"] }).first else { break }
            for (index, element) in elements.enumerated() {
                found += try problems(element, items, at: "\(place)[\(index)]")
            }
        default: break
        }
        return found
    }

    /// The schema, and those that it refers to or is made of.
    private func parts(of schema: YAMLValue) throws -> [YAMLValue] {
        var parts = [schema]
        if let reference = schema["$ref"]?.string { parts += try self.parts(of: document.target(of: reference)) }
        for part in schema["allOf"]?.elements ?? [] { parts += try self.parts(of: part) }
        return parts
    }

    private func memberProblems(
        _ members: [String: JSONValue], _ parts: [YAMLValue], at place: String
    ) throws -> [String] {
        var found = parts.flatMap { $0["required"]?.strings ?? [] }.filter { members[$0] == nil }
            .map { "\(place).\($0) is missing" }
        let others = parts.compactMap { $0["additionalProperties"] }.first
        let isOpen = parts.allSatisfy { $0["properties"] == nil }
        for (name, value) in members {
            // A response's own schema of a member comes first.
            if let schema = parts.compactMap({ $0["properties"]?[name] }).first {
                found += try problems(value, schema, at: "\(place).\(name)")
            } else if let others {
                if others.string != "true" { found += try problems(value, others, at: "\(place).\(name)") }
            } else if !isOpen {
                found.append("\(place).\(name) is not described")
            }
        }
        return found
    }

    private func scalarProblems(_ value: JSONValue, _ schema: YAMLValue, at place: String) -> [String] {
        var found: [String] = []
        let types = schema["type"].map { $0.string.map { [$0] } ?? $0.strings }
        if let types, !types.contains(where: { value.isOf($0) }) { found.append("\(place) is not \(types)") }
        if let values = schema["enum"]?.elements, !values.map(\.json).contains(value) {
            found.append("\(place) is none of the values: \(value)")
        }
        if let constant = schema["const"], constant.json != value { found.append("\(place) is not \(constant.json)") }
        if let number = value.int, let least = schema["minimum"]?.int, number < least {
            found.append("\(place) is less than \(least)")
        }
        if let text = value.string { found += textProblems(text, schema, at: place) }
        return found
    }

    private func textProblems(_ text: String, _ schema: YAMLValue, at place: String) -> [String] {
        let isRight =
            switch schema["format"]?.string {
            case "uuid": text.wholeMatch(of: /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/) != nil
            case "date-time": text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/) != nil
            default: true
            }
        let matches = schema["pattern"]?.string.map { (try? Regex($0).firstMatch(in: text)) != nil } ?? true
        let isLongEnough = text.count >= (schema["minLength"]?.int ?? 0)
        let isShortEnough = text.count <= (schema["maxLength"]?.int ?? .max)
        return isRight && matches && isLongEnough && isShortEnough ? [] : ["\(place) is malformed: \(text)"]
    }
}

extension JSONValue {
    /// Whether it is of a type by JSON Schema's name.
    fileprivate func isOf(_ type: String) -> Bool {
        switch (self, type) {
        case (.null, "null"), (.bool, "boolean"), (.int, "integer"), (.int, "number"), (.double, "number"): true
        case (.string, "string"), (.array, "array"), (.object, "object"): true
        default: false
        }
    }
}
