import A2AProxy
import Contracts
import EventOutbox
import Foundation
import Testing

@Suite struct ClaimTests {
    @Test func takesHighestPriorityThenOldest() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace(capacity: 3)
            _ = try await fixture.item(workspace, "info", priority: 10)
            _ = try await fixture.item(workspace, "first")
            _ = try await fixture.item(workspace, "second")
            _ = try await fixture.item(workspace, "critical", priority: 100)
            #expect(try await fixture.claim([workspace]).map(\.messageID) == ["critical", "first", "second"])
            #expect(try await fixture.claim([workspace]).isEmpty)
        }
    }

    @Test func concurrentClaimsNeverExceedTheCapacityNorTakeAnItemTwice() async throws {
        try await QueueFixture.with { fixture in
            var workspaces: [UUID] = []
            for _ in 0..<6 {
                let workspace = try await fixture.workspace(capacity: 4)
                workspaces.append(workspace)
                for number in 0..<10 { _ = try await fixture.item(workspace, "m\(number)") }
            }
            let all = workspaces
            // Every claimer has an order of its own: they must not deadlock either.
            let claimed = try await withThrowingTaskGroup(of: [ClaimedItem].self) { group in
                for number in 0..<24 {
                    group.addTask { try await fixture.claim(all.shuffled(), owner: "instance \(number)") }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(Set(claimed.map(\.id)).count == claimed.count)
            for workspace in workspaces {
                #expect(claimed.filter { $0.workspace == workspace }.count == 4)
            }
        }
    }

    @Test func claimingAndFinishingFromManySidesRunsEachItemOnceAndNeverTooMany() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace(capacity: 3)
            for number in 0..<60 { _ = try await fixture.item(workspace, "m\(number)") }
            let runs = try await withThrowingTaskGroup(of: [UUID].self) { group in
                for number in 0..<6 {
                    group.addTask {
                        var done: [UUID] = []
                        var idle = 0
                        while idle < 20 {
                            let items = try await fixture.claim([workspace], owner: "instance \(number)")
                            idle = items.isEmpty ? idle + 1 : 0
                            let text = "SELECT count(*) FROM a2a_queue WHERE status = 'dispatched'"
                            let running = try await fixture.sql(text) ?? "99"
                            #expect(Int(running) ?? 99 <= 3)
                            for item in items {
                                #expect(try await fixture.finish(item, .ok()))
                                done.append(item.id)
                            }
                        }
                        return done
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(runs.count == 60)
            #expect(Set(runs).count == 60)
        }
    }

    @Test func takesNoMoreThanTheClaimantCanTakeOn() async throws {
        try await QueueFixture.with { fixture in
            let workspaces = [try await fixture.workspace(capacity: 9), try await fixture.workspace(capacity: 9)]
            for workspace in workspaces {
                for number in 0..<4 { _ = try await fixture.item(workspace, "m\(number)") }
            }
            // Two bytes each: the second reaches three, and each one's first goes before any one's second.
            var bounds = ClaimBounds(itemsEach: 3, bytes: 3)
            let few = try await fixture.claim(workspaces, within: bounds)
            #expect(Set(few.map(\.workspace)) == Set(workspaces))
            #expect(few.map(\.messageID) == ["m0", "m0"])
            #expect(bounds.left(by: few, of: workspaces) == workspaces)
            bounds = ClaimBounds(itemsEach: 2, bytes: 1000)
            let each = try await fixture.claim(workspaces, within: bounds)
            #expect(each.map(\.messageID) == ["m1", "m2", "m1", "m2"])
            #expect(bounds.left(by: each, of: workspaces) == workspaces)
            let rest = try await fixture.claim(workspaces, within: bounds)
            #expect(rest.map(\.messageID) == ["m3", "m3"])
            #expect(bounds.left(by: rest, of: workspaces).isEmpty)
        }
    }

    @Test func countsWhatTheAgentReportsAndWhatWeRun() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace(capacity: 3)
            for number in 0..<5 { _ = try await fixture.item(workspace, "m\(number)") }
            try await fixture.beat(workspace, active: 2)
            let first = try await fixture.claim([workspace])
            #expect(first.count == 1)
            // The report still says 2, of which one may be ours: 3 - max(2, 1) = 1.
            #expect(try await fixture.claim([workspace]).count == 1)
            #expect(try await fixture.claim([workspace]).count == 1)
            #expect(try await fixture.claim([workspace]).isEmpty)
        }
    }

    @Test func itemsOfOneContextGoOneAtATimeInOrder() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace(capacity: 5)
            _ = try await fixture.item(workspace, "a1", context: "a")
            _ = try await fixture.item(workspace, "a2", priority: 100, context: "a")
            _ = try await fixture.item(workspace, "b1", context: "b")
            _ = try await fixture.item(workspace, "free")
            let first = try await fixture.claim([workspace])
            #expect(first.map(\.messageID) == ["a1", "b1", "free"])
            #expect(try await fixture.claim([workspace]).isEmpty)
            #expect(try await fixture.finish(first[0], .ok()))
            #expect(try await fixture.claim([workspace]).map(\.messageID) == ["a2"])
        }
    }

    @Test(arguments: ["paused", "hibernated", "provisioning", "removed", "failed", "awaiting_agent"])
    func leavesAloneWhoCannotBeCalled(_ status: String) async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            _ = try await fixture.item(workspace, "m")
            try await fixture.sql("UPDATE workspaces SET status = '\(status)'")
            #expect(try await fixture.claim([workspace]).isEmpty)
            try await fixture.sql("UPDATE workspaces SET status = 'offline'")
            #expect(try await fixture.claim([workspace]).count == 1)
        }
    }

    @Test func leavesWhatHasExpired() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            _ = try await fixture.item(workspace, "m")
            try await fixture.sql("UPDATE a2a_queue SET expires_at = now() - interval '1 second'")
            #expect(try await fixture.claim([workspace]).isEmpty)
        }
    }
}
