import Crypto
import Foundation

/// One step of the schema: `NNNN_name.up.sql` and `NNNN_name.down.sql`.
package struct Migration: Sendable {
    package let version: Int
    package let name: String
    package let up: String
    /// Nil when there is no such file: then it cannot be reverted.
    package let down: String?

    package init(version: Int, name: String, up: String, down: String?) {
        self.version = version
        self.name = name
        self.up = up
        self.down = down
    }

    /// SHA-256 of the `up` file in hexadecimal.
    package var checksum: String { hex(sha256(up)) }
    /// The name of the `up` file.
    package var fileName: String { "\(String(version).leftPadded(to: 4))_\(name).up.sql" }

    /// Reads all migrations of a folder, in order.
    ///
    /// - Throws: ``MigrationError`` for a file whose name does not fit, a version that occurs twice, and a `down`
    ///   without its `up`.
    package static func all(in folder: String) throws(MigrationError) -> [Migration] {
        let entries: [String]
        do {
            entries = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw MigrationError("cannot read the folder \(folder): \(error.localizedDescription)")
        }
        var ups: [Int: (name: String, sql: String)] = [:]
        var downs: [Int: (name: String, sql: String)] = [:]
        for file in entries.sorted() where file.hasSuffix(".sql") {
            // Names end up in SQL text, so they are kept to what needs no quoting.
            guard let match = file.wholeMatch(of: /([0-9]{4})_([a-z0-9_]+)\.(up|down)\.sql/), let version = Int(match.1)
            else { throw MigrationError("\(file): expected NNNN_name.up.sql or NNNN_name.down.sql") }
            guard let sql = try? String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8) else {
                throw MigrationError("\(file): cannot be read as UTF-8")
            }
            let entry = (name: String(match.2), sql: sql)
            let previous =
                match.3 == "up" ? ups.updateValue(entry, forKey: version) : downs.updateValue(entry, forKey: version)
            if previous != nil { throw MigrationError("version \(match.1) occurs twice") }
        }
        for (version, down) in downs where ups[version]?.name != down.name {
            throw MigrationError("\(String(version).leftPadded(to: 4))_\(down.name).down.sql has no .up.sql")
        }
        return ups.sorted { $0.key < $1.key }.map { version, up in
            Migration(version: version, name: up.name, up: up.sql, down: downs[version]?.sql)
        }
    }
}

/// Why the migrations could not be read, applied or reverted.
package struct MigrationError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

extension String {
    func leftPadded(to width: Int) -> String { String(repeating: "0", count: max(0, width - count)) + self }
}
