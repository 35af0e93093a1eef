import Foundation
import Testing

@testable import Registry

@Suite("Beats whose rows somebody holds")
struct HeldBeatsTests {
    private let workspace = UUID()

    @Test("One that is held is not written after a newer one, but after an older one it is")
    func order() {
        var held = HeldBeats()
        held.hold(workspace)
        #expect(held.contains(workspace))
        #expect(!held.isOvertaken(workspace, turn: 5))
        held.accept(workspace, turn: 4)
        #expect(!held.isOvertaken(workspace, turn: 5))
        held.accept(workspace, turn: 6)
        held.accept(workspace, turn: 3)
        #expect(held.isOvertaken(workspace, turn: 5))
        #expect(!held.isOvertaken(workspace, turn: 7))
        #expect(!held.isOvertaken(UUID(), turn: 5))
    }

    @Test("A workspace is known until the last of its beats is released, and no longer")
    func bounds() {
        var held = HeldBeats()
        held.accept(workspace, turn: 9)
        #expect(held.count == 0)
        held.hold(workspace)
        #expect(!held.isOvertaken(workspace, turn: 1))
        held.hold(workspace)
        held.accept(workspace, turn: 2)
        held.release(workspace)
        #expect(held.contains(workspace))
        #expect(held.isOvertaken(workspace, turn: 1))
        held.release(workspace)
        held.release(workspace)
        #expect(!held.contains(workspace) && held.count == 0)
    }

    private func beat(_ id: UUID) throws -> Heartbeat {
        try Heartbeat(body: Array(#"{"workspace_id":"\#(id.uuidString.lowercased())"}"#.utf8))
    }

    @Test("Later beats of a workspace wait behind the one that is held; those of others do not")
    func line() throws {
        let line = HeldLine()
        let beats = [try beat(workspace), try beat(UUID())]
        let (first, second) = (line.nextTurn(), line.nextTurn())
        #expect(first < second)
        #expect(line.free(beats) == [0, 1])
        line.settle(beats, [.init(verdict: .held), .init(verdict: .accepted)], turn: first)
        #expect(line.free(beats) == [1])
        line.settle(beats, [.init(verdict: .held), .init(verdict: .accepted)], turn: second)
        line.accept(workspace, turn: second)
        #expect(line.isOvertaken(workspace, turn: first))
        #expect(!line.isOvertaken(workspace, turn: second))
        line.release(workspace)
        #expect(line.free(beats) == [1])
        line.release(workspace)
        #expect(line.free(beats) == [0, 1])
    }
}
