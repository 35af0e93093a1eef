import A2AProxy
import Contracts
import Foundation
import HTTPServer
import TestSupport
import Testing
import WorkspaceTree

@Suite struct AnswerBudgetTests {
    @Test func isGivenBackWithTheAnswer() async {
        let budget = AnswerBudget(bytes: 100)
        do {
            let share = await budget.share(of: 60, within: .zero)
            #expect(share != nil)
            #expect(await budget.share(of: 60, within: .zero) == nil)
            share?.shrink(to: 10)
            #expect(budget.bytesLeft == 90)
        }
        #expect(budget.bytesLeft == 100)
        // Larger than all of it: alone, then.
        #expect(await budget.share(of: 1000, within: .zero) != nil)
    }

    @Test func whoComesLaterWaitsForThoseBefore() async throws {
        let budget = AnswerBudget(bytes: 100)
        var first = await budget.share(of: 90, within: .zero)
        let large = Task { await budget.share(of: 80, within: .seconds(60)) != nil }
        let small = Task { await budget.share(of: 10, within: .seconds(60)) != nil }
        withExtendedLifetime(first) {}
        first = nil
        #expect(await large.value)
        #expect(await small.value)
        try await eventually("everything to be given back") { budget.bytesLeft == 100 }
    }

    /// Three answers, of which one fits: they come one after the other, and none is lost.
    @Test func answersWaitForRoom() async throws {
        var settings = A2AProxySettings()
        settings.answerBudget = 300_000
        let text = String(repeating: "x", count: 200_000)
        try await LocalAgent.with {
            .text(text)
        } _: { agent in
            let database = try await SharedServers.postgres().makeMigratedDatabase()
            try await ProxyFixture.with(database, settings) { proxy in
                let target = Target(
                    position: TreePosition(id: UUID(), ancestors: []), status: .online, url: agent.url)
                let url = try #require(target.url)
                let lengths = await withTaskGroup(of: Int?.self) { group in
                    for _ in 0..<3 {
                        group.addTask {
                            let result = await proxy.agents.call(target, url: url, message: [], .init())
                            guard case .ended(.answered(let answer)) = result else { return nil }
                            return answer.body.count
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(lengths == [200_000, 200_000, 200_000])
                try await eventually("everything to be given back") { proxy.budget.bytesLeft == 300_000 }
            }
        }
    }
}
