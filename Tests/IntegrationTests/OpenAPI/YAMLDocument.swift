import Foundation
import Templates

/// A document of `docs` that describes a contract, with what refers to what in it.
struct YAMLDocument: Sendable {
    let root: YAMLValue

    /// - Parameter path: in the repository.
    init(_ path: String) throws {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: Repository.path(path)))
        var reader = YAMLReader()
        reader.maximumBytes = 1 << 20
        reader.maximumValues = 200_000
        guard let root = try reader.read(Array(bytes)) else { throw OpenAPIError("the document is empty") }
        self.root = root
    }

    /// What a `$ref` refers to; the value itself when it is none.
    func resolved(_ value: YAMLValue) throws -> YAMLValue {
        guard let reference = value["$ref"]?.string else { return value }
        return try target(of: reference)
    }

    /// What a `$ref` of the document refers to.
    func target(of reference: String) throws -> YAMLValue {
        var place: YAMLValue? = reference.hasPrefix("#/") ? root : nil
        for name in reference.dropFirst(2).split(separator: "/") { place = place?[String(name)] }
        guard let place else { throw OpenAPIError("\(reference) refers to nothing") }
        return place
    }

    /// What every `$ref` of the document refers to, by reference.
    ///
    /// - Throws: `OpenAPIError` naming one that refers to nothing.
    func resolveAll() throws -> [String: YAMLValue] {
        var found: [String: YAMLValue] = [:]
        for reference in root.references { found[reference] = try target(of: reference) }
        return found
    }
}
