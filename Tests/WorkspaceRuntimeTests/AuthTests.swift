import Foundation
import Synchronization
import Testing
import TestSupport

@testable import WorkspaceRuntime

@Suite struct AuthTests {
    @Test func savesForTheOwnerAloneInAFolderItMakes() throws {
        let folder = try TemporaryFolder.make("auth") + "/deep/configs"
        let auth = PlatformAuth(configsDirectory: folder)
        #expect(auth.token == nil)
        #expect(auth.bearerHeaders.isEmpty)
        try auth.save("secret")
        #expect(auth.path == folder + "/.auth_token")
        let attributes = try FileManager.default.attributesOfItem(atPath: auth.path)
        #expect((attributes[.posixPermissions] as? Int) == 0o600)
        #expect(try String(contentsOfFile: auth.path, encoding: .utf8) == "secret")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [".auth_token"])
        #expect(PlatformAuth(configsDirectory: folder).token == "secret")
    }

    @Test func cachesUntilRefreshed() throws {
        let auth = PlatformAuth(configsDirectory: try TemporaryFolder.make("auth"))
        try auth.save("one")
        try "two\n".write(toFile: auth.path, atomically: true, encoding: .utf8)
        #expect(auth.token == "one")
        #expect(auth.refreshCache() == "two")
        #expect(auth.token == "two")
        try FileManager.default.removeItem(atPath: auth.path)
        #expect(auth.refreshCache() == "two", "a deleted file drops no token")
    }

    @Test func readersNeverSeeHalfAToken() async throws {
        let auth = PlatformAuth(configsDirectory: try TemporaryFolder.make("auth"))
        let tokens = ["a", "b"].map { String(repeating: $0, count: 20_000) }
        try auth.save(tokens[0])
        let isOver = Atomic(false)
        let reading = Task {
            var others = 0
            while !isOver.load(ordering: .relaxed) {
                if !tokens.contains((try? String(contentsOfFile: auth.path, encoding: .utf8)) ?? "") { others += 1 }
            }
            return others
        }
        for index in 0..<200 { try auth.save(tokens[index % 2]) }
        isOver.store(true, ordering: .relaxed)
        #expect(await reading.value == 0)
    }

    @Test func aTokenThatCannotBeSavedIsUsedAllTheSame() throws {
        let auth = PlatformAuth(configsDirectory: "/proc/none")
        #expect(throws: PlatformAuth.SaveError.self) { try auth.save("kept") }
        #expect(auth.refreshCache() == "kept")
    }

    @Test func ownMessagesCarryTheID() throws {
        let auth = PlatformAuth(configsDirectory: try TemporaryFolder.make("auth"))
        let id = UUID()
        #expect(auth.selfSourceHeaders(id) == ["X-Workspace-ID": id.uuidString.lowercased()])
        try auth.save("t")
        #expect(
            auth.selfSourceHeaders(id)
                == ["X-Workspace-ID": id.uuidString.lowercased(), "Authorization": "Bearer t"])
    }
}
