import Foundation
import Testing

@testable import Contracts

/// The words of the database and of the code are the same: a value known to one side only fails at run time.
@Suite struct SchemaTests {
    @Test func statusesOfWorkspaces() throws {
        let words = try words(in: "0001_workspaces", after: "CREATE TYPE workspace_status AS ENUM (")
        #expect(words == WorkspaceStatus.allCases.map(\.rawValue))
    }

    @Test(arguments: [
        ("0001_workspaces", "CHECK (workspace_access IN (", WorkspaceAccess.allCases.map(\.rawValue)),
        ("0004_activity", "CHECK (activity_type IN (", ActivityType.allCases.map(\.rawValue)),
        ("0005_queue", "DEFAULT 'queued'\n        CHECK (status IN (", QueueStatus.allCases.map(\.rawValue)),
        ("0006_delegations", "CHECK (status IN (", DelegationStatus.allCases.map(\.rawValue)),
        ("0007_schedules", "CHECK (last_status IN (", ScheduleStatus.allCases.map(\.rawValue)),
    ])
    func checkedWords(_ migration: String, _ start: String, _ expected: [String]) throws {
        #expect(Set(try words(in: migration, after: start)) == Set(expected))
    }

    @Test func bitsOfCapabilities() throws {
        let text = try sql("0001_workspaces")
        for (name, capability) in Capabilities.names {
            #expect(text.contains("\(capability.rawValue) \(name)"), "\(name)")
        }
    }

    @Test func everyMigrationCanBeReverted() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).filter {
            $0.hasSuffix(".sql")
        }
        let ups = names.filter { $0.hasSuffix(".up.sql") }.map { $0.dropLast(".up.sql".count) }.sorted()
        let downs = names.filter { $0.hasSuffix(".down.sql") }.map { $0.dropLast(".down.sql".count) }.sorted()
        #expect(!ups.isEmpty && ups == downs && ups.count + downs.count == names.count)
        #expect(ups.enumerated().allSatisfy { Int($0.element.prefix(4)) == $0.offset + 1 }, "numbered without a gap")
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Migrations").standardizedFileURL

    private func sql(_ migration: String) throws -> String {
        try String(contentsOf: Self.folder.appending(path: "\(migration).up.sql"), encoding: .utf8)
    }

    /// The quoted words up to the closing parenthesis.
    private func words(in migration: String, after start: String) throws -> [String] {
        let text = try sql(migration)
        let range = try #require(text.range(of: start), "\(start) is in \(migration)")
        let list = text[range.upperBound...].prefix { $0 != ")" }
        return list.split(separator: ",").map { $0.trimmingCharacters(in: .init(charactersIn: " \n'")) }
    }
}
