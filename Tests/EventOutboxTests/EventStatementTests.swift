import Contracts
import Foundation
import Testing

/// The statements that write durable events, as they stand in the sources.
@Suite("Statements that write events")
struct EventStatementTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The texts with statements in them, by their paths.
    private static func sources() throws -> [String: String] {
        var found: [String: String] = [:]
        for folder in ["Services", "Libraries", "Migrations"] {
            let files = try #require(FileManager.default.enumerator(atPath: root.appending(path: folder).path))
            for case let file as String in files where file.hasSuffix(".swift") || file.hasSuffix(".up.sql") {
                let text = try String(contentsOf: root.appending(path: "\(folder)/\(file)"), encoding: .utf8)
                if file.hasSuffix(".sql") || text.contains("Statement(") { found["\(folder)/\(file)"] = text }
            }
        }
        return found
    }

    @Test("No statement makes JSON itself: the schema's functions and the contract's types do")
    func noStatementMakesJSON() throws {
        let sources = try Self.sources()
        try #require(sources.count > 50)
        for (path, text) in sources where path != "Migrations/0038_event_bodies.up.sql" {
            #expect(!text.contains("'{\""), "\(path)")
            #expect(!text.contains("json_build_object("), "\(path)")
            #expect(!text.contains("row_to_json("), "\(path)")
        }
    }

    /// A call of a function that makes a body.
    nonisolated(unsafe) private static let call = /event_[a-z0-9_]+(?=\()/
    /// The name of a type, or its beginning if a column says the rest.
    nonisolated(unsafe) private static let typeName = /'((?:a2a|delegation|token|workspace)\.[a-z_]*)'/

    /// The names of types in the `SELECT` that a text ends in; nil where a parameter says the type.
    private static func typeNames(before call: Substring) -> [Substring]? {
        for select in call.ranges(of: "SELECT ").reversed() {
            let list = call[select.upperBound...]
            if list.hasPrefix("e.type") { return nil }
            let names = list.matches(of: typeName).map(\.output.1)
            if !names.isEmpty { return names }
        }
        return []
    }

    @Test("A statement writes a type's events with the body of that type")
    func bodiesFitTheirTypes() throws {
        var count = 0
        for (path, text) in try Self.sources() where path.hasSuffix(".swift") {
            for match in text.matches(of: Self.call) {
                let body = try #require(EventBodyTests.bodies[String(match.output)], "\(match.output) in \(path)")
                guard let names = Self.typeNames(before: text[..<match.range.lowerBound]) else { continue }
                let isFit = names.contains { name in
                    body.data.types.contains { type in
                        name.hasSuffix(".") ? type.rawValue.hasPrefix(name) : type.rawValue == name
                    }
                }
                #expect(isFit, "\(match.output) in \(path) after \(names)")
                count += 1
            }
        }
        #expect(count >= 25)
    }
}
