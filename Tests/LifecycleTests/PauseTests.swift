import Contracts
import Foundation
import Lifecycle
import Testing
import TestSupport

/// Pausing, resuming, restarting and hibernating, on a real Postgres.
@Suite("Pausing and restarting workspaces")
struct PauseTests {
    @Test("Pausing takes descendants along and empties addresses; resuming brings both back")
    func pauseAndResume() async throws {
        try await withFleet { fleet, store in
            let root = try await fleet.add(url: "http://127.0.0.1:1", isProvisioned: true)
            let child = try await fleet.add(parent: root, isExternal: true, url: "https://agent.example/")
            let change = try await store.pause(root)
            #expect(change.count == 2)
            #expect(try await fleet.url(root) == nil)
            #expect(try await fleet.url(child) == nil)
            #expect(try await fleet.openJobs(root) == ["stop"])
            #expect(try await fleet.openJobs(child) == [])
            await #expect(throws: LifecycleRefusal.alreadyPaused) { _ = try await store.pause(root) }
            await #expect(throws: LifecycleRefusal.parentIsPaused) { _ = try await store.resume(child) }

            let resumed = try await store.resume(root)
            #expect(resumed.count == 2 && resumed.status(of: root) == .provisioning)
            #expect(try await fleet.status(root) == .provisioning)
            #expect(try await fleet.openJobs(root) == ["start"], "no worker had begun to stop it")
            #expect(try await fleet.status(child) == .online)
            #expect(try await fleet.url(child) == "https://agent.example/")
            #expect(try await fleet.events(child) == ["workspace.paused", "workspace.online"])
            await #expect(throws: LifecycleRefusal.notPaused) { _ = try await store.resume(root) }
        }
    }

    @Test("Without a provisioner a resumed agent is awaited at its own address")
    func resumeWithoutProvisioner() async throws {
        try await withFleet(hasProvisioner: false) { fleet, store in
            let id = try await fleet.add(url: "http://10.0.0.1:8000")
            _ = try await store.pause(id)
            #expect(try await fleet.url(id) == nil)
            #expect(try await store.resume(id).status(of: id) == .awaitingAgent)
            #expect(try await fleet.url(id) == "http://10.0.0.1:8000")
            #expect(try await fleet.openJobs(id) == [])
        }
    }

    @Test("However many restart a workspace at the same time, it is done once")
    func restartOnce() async throws {
        try await withFleet { fleet, store in
            let id = try await fleet.add(.offline)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<10 { group.addTask { _ = try await store.restart(id, reason: "test") } }
                try await group.waitForAll()
            }
            #expect(try await fleet.openJobs(id) == ["restart"])
            #expect(try await fleet.events(id) == ["workspace.provisioning"])
        }
    }

    @Test("Hibernation stops managed workspaces, and only flips external ones")
    func hibernate() async throws {
        try await withFleet { fleet, store in
            let id = try await fleet.add()
            #expect(try await store.hibernate(id, isForced: false).jobs.count == 1)
            #expect(try await fleet.status(id) == .hibernating)
        }
        try await withFleet(hasProvisioner: false) { fleet, store in
            let id = try await fleet.add(url: "http://10.0.0.1:8000")
            #expect(try await store.hibernate(id, isForced: false).jobs.isEmpty)
            #expect(try await fleet.status(id) == .hibernated)
            #expect(try await fleet.url(id) == "http://10.0.0.1:8000")
            #expect(try await store.wake(id).count == 1)
            #expect(try await store.wake(id).isEmpty)
            #expect(try await fleet.status(id) == .provisioning)
        }
    }
}
