import Foundation
import Testing

@testable import Registry

@Suite("Beats whose rows are locked")
struct LockedHeartbeatsTests {
    private let workspace = UUID()

    @Test("One that is locked is not written after a newer one, but after an older one it is")
    func order() {
        var locked = LockedHeartbeats()
        locked.hold(workspace)
        #expect(locked.contains(workspace))
        #expect(!locked.isOvertaken(workspace, turn: 5))
        locked.accept(workspace, turn: 4)
        #expect(!locked.isOvertaken(workspace, turn: 5))
        locked.accept(workspace, turn: 6)
        locked.accept(workspace, turn: 3)
        #expect(locked.isOvertaken(workspace, turn: 5))
        #expect(!locked.isOvertaken(workspace, turn: 7))
        #expect(!locked.isOvertaken(UUID(), turn: 5))
    }

    @Test("A workspace is known until the last of its beats is released, and no longer")
    func bounds() {
        var locked = LockedHeartbeats()
        locked.accept(workspace, turn: 9)
        #expect(locked.count == 0)
        locked.hold(workspace)
        #expect(!locked.isOvertaken(workspace, turn: 1))
        locked.hold(workspace)
        locked.accept(workspace, turn: 2)
        locked.release(workspace)
        #expect(locked.contains(workspace))
        #expect(locked.isOvertaken(workspace, turn: 1))
        locked.release(workspace)
        locked.release(workspace)
        #expect(!locked.contains(workspace) && locked.count == 0)
    }

    private func beat(_ id: UUID) throws -> Heartbeat {
        try Heartbeat(body: Array(#"{"workspace_id":"\#(id.uuidString.lowercased())"}"#.utf8))
    }

    @Test("Later beats of a workspace wait behind the one that is locked; those of others do not")
    func line() throws {
        let line = LockedHeartbeatTracker()
        let beats = [try beat(workspace), try beat(UUID())]
        let (first, second) = (line.nextTurn(), line.nextTurn())
        #expect(first < second)
        #expect(line.free(beats) == [0, 1])
        line.settle(beats, [.init(verdict: .locked), .init(verdict: .accepted)], turn: first)
        #expect(line.free(beats) == [1])
        line.settle(beats, [.init(verdict: .locked), .init(verdict: .accepted)], turn: second)
        line.accept(workspace, turn: second)
        #expect(line.isOvertaken(workspace, turn: first))
        #expect(!line.isOvertaken(workspace, turn: second))
        line.release(workspace)
        #expect(line.free(beats) == [1])
        line.release(workspace)
        #expect(line.free(beats) == [0, 1])
    }
}
