import Foundation
import Observability
import Testing
import TestSupport

@testable import Provisioning

/// Names, archives, and what is redacted out of logs.
@Suite struct TextTests {
    @Test func `everything is named after twelve characters of the id`() throws {
        let id = try #require(UUID(uuidString: "550E8400-E29B-41D4-A716-446655440000"))
        let name = WorkspaceName(id)
        #expect(name.container == "ws-550e8400-e29" && name.volume == "ws-550e8400-e29-configs")
        #expect(name.internalURL == "http://ws-550e8400-e29:8000")
        #expect(WorkspaceName(prefix: name.prefix) == name)
    }

    @Test(arguments: ["", "550e8400", "550e8400-e29b", "550e8400-e2%", "550E8400-E29", "550e8400_e29", "550e8400-e2é"])
    func `other texts are no prefix of an id`(_ text: String) {
        #expect(WorkspaceName(prefix: text) == nil)
    }

    @Test func `secrets are redacted out, however they are quoted`() {
        let secrets = SecretText([
            "plain-secret", "two\nlines-of-it", "quoted\"here", "plain", "ab",
        ])
        let quoted = #"1 plain-secret 2 "two\nlines-of-it" 3 lines-of-it 4 "quoted\"here" 5 plain 6 ab"#
        #expect(secrets.redacted(from: quoted) == #"1 *** 2 "***" 3 *** 4 "***" 5 *** 6 ab"#)
    }

    @Test func `a tar archive is what tar reads`() async throws {
        let deep = (0..<12).map { "folder-\($0)-with-a-long-name" }.joined(separator: "/")
        let long = String(deep.prefix(140)) + "/file.txt"
        var archive = TarArchive(owner: TarArchive.Owner(user: 12, group: 34), time: 1_700_000_000)
        let block = [UInt8](repeating: UInt8(ascii: "x"), count: 512)
        let files: [(String, Int, [UInt8])] = [
            (".auth_token", 0o600, Array("secret".utf8)), ("empty", 0o644, []), ("block", 0o644, block),
            ("a/b/ü.md", 0o644, Array("deep".utf8)), ("a/b/c", 0o755, [0, 255]), (long, 0o644, [7]),
        ]
        for (path, mode, content) in files {
            let isAdded = archive.add(path, mode: mode, content)
            #expect(isAdded, "\(path)")
        }
        for path in [String(repeating: "n", count: 101), deep + "/x"] {
            let isAdded = archive.add(path, mode: 0o644, [])
            #expect(!isAdded, "\(path)")
        }

        let folder = try TemporaryFolder.make("tar")
        try Data(archive.finished()).write(to: URL(fileURLWithPath: "\(folder)/it.tar"))
        try await Leash.run(["tar", "-C", folder, "--same-owner", "-xpf", "\(folder)/it.tar"])
        for (path, mode, content) in files {
            #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(path)")) == Data(content))
            let about = try await Leash.run(["stat", "-c", "%a %u %g %Y", "\(folder)/\(path)"])
            #expect(about == "\(String(mode, radix: 8)) 12 34 1700000000\n")
        }
    }

    @Test(arguments: [
        ("", 0, 0), ("1000", 1000, 0), ("1000:2000", 1000, 2000), ("agent", 0, 0), ("7:agents", 7, 0),
        ("-1", 0, 0), ("99999999999", 0, 0), ("1:99999999999", 1, 0),
    ])
    func `an image's user owns the files, where it is a number`(_ text: String, _ user: Int, _ group: Int) {
        #expect(TarArchive.Owner(imageUser: text) == TarArchive.Owner(user: user, group: group))
    }
}
