import Foundation
import Observability
import Provisioning
import Synchronization
import Testing
import TestSupport

/// Whose containers they are, where that is kept in a database.
@Suite struct PlatformInstanceTests {
    private struct Away: Error {}

    @Test func `nothing is started or listed before it is known, and all the rest works`() async throws {
        let podman = try await SharedEngine.get()
        let isKnown = Mutex(false)
        let engine = try makeEngine(podman) {
            $0.instance = PlatformInstance(storedBy: {
                guard isKnown.withLock({ $0 }) else { throw Away() }
                return "kept"
            })
        }
        let workspace = makeSpecification()
        try await withWorkspace(workspace, on: engine) {
            #expect(await failure { try await engine.start(workspace) }?.kind == .unavailable)
            #expect(await failure { try await engine.listManaged() }?.isTransient == true)
            #expect(await engine.isRunning(workspace.id) == .gone)
            isKnown.withLock { $0 = true }
            _ = try await engine.start(workspace)
            let name = WorkspaceName(workspace.id)
            let found = try await engine.listManaged().filter { $0.idPrefix == name.prefix }
            #expect(found.count == 2 && found.allSatisfy(\.belongsToInstance) && found.contains(where: \.isAlive))
            #expect(found.allSatisfy { $0.labels["molecule.platform.instance"] == "kept" })
            isKnown.withLock { $0 = false }
            #expect(await engine.isRunning(workspace.id).error == nil)
        }
    }

    @Test func `ids that begin with a name`() throws {
        let id = try #require(UUID(uuidString: "0A1B2C3D-4E5F-4000-8000-000000000001"))
        let ids = try #require(WorkspaceName(id).ids)
        #expect(ids.lowerBound.uuidString == "0A1B2C3D-4E50-0000-0000-000000000000")
        #expect(ids.upperBound.uuidString == "0A1B2C3D-4E5F-FFFF-FFFF-FFFFFFFFFFFF")
        #expect(WorkspaceName(prefix: "------------")?.ids == nil && WorkspaceName(prefix: "0123456789ab")?.ids == nil)
    }
}
