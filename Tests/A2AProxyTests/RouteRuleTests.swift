import A2AProxy
import Contracts
import Foundation
import HTTPCore
import PlatformInternals
import Testing
import UVHTTPServer

@Suite struct RouteRuleTests {
    private let root = UUID()
    private let caller = UUID()
    private let id = UUID()

    private func target(
        _ id: UUID, under ancestors: [UUID] = [], _ status: WorkspaceStatus = .online,
        url: String? = "http://agent.example:8000", budget: Int? = nil, spend: Int = 0
    ) -> Target {
        Target(
            position: TreePosition(id: id, ancestors: ancestors), status: status, url: url, budgetLimit: budget,
            monthlySpend: spend)
    }

    /// The error's status and message, or nil when the message may go.
    private func refusal(_ caller: UUID?, _ from: Target?, _ to: Target?, endpoint: Target? = nil) -> (Int, String)? {
        do throws(RouteRefusal) {
            _ = try MessageRouter.authorize(caller, id, .init(caller: from, target: to, endpoint: endpoint ?? to))
            return nil
        } catch {
            switch error {
            case .error(let error): return (error.status.code, error.message)
            case .hibernated: return (0, "hibernated")
            }
        }
    }

    @Test func thePathIsCheckedBeforeEverythingElse() {
        let stranger = target(caller, under: [root])
        let refused = refusal(caller, stranger, target(id, under: [UUID()], .removed, url: nil, budget: 1, spend: 9))
        #expect(refused?.0 == 403)
        #expect(refused?.1 == "access denied: workspaces cannot communicate per hierarchy rules")
        #expect(refusal(caller, nil, target(id))?.0 == 403)
        #expect(refusal(caller, stranger, nil)?.0 == 403)
        #expect(refusal(caller, target(caller, under: [root]), target(id, under: [root])) == nil)
    }

    @Test func thenExistenceBudgetAndAddress() {
        #expect(refusal(nil, nil, nil)?.0 == 404)
        #expect(refusal(nil, nil, target(id, .removed))?.0 == 404)
        #expect(refusal(nil, nil, target(id, .hibernated, budget: 5, spend: 5))?.0 == 402)
        #expect(refusal(nil, nil, target(id, budget: 5, spend: 4)) == nil)
        #expect(refusal(nil, nil, target(id, .hibernated))?.1 == "hibernated")
        #expect(refusal(nil, nil, target(id, .paused))?.1 == "workspace has no URL")
        #expect(refusal(nil, nil, target(id, .online, url: nil))?.0 == 503)
        #expect(refusal(nil, nil, target(id, .online, url: "ftp://x"))?.1 == "workspace URL is not publicly routable")
        #expect(refusal(nil, nil, target(id, .offline)) == nil)
    }

    @Test func whatIsForwardedGoesToItsPlace() throws {
        let endpoint = target(UUID())
        let route = try MessageRouter.authorize(nil, id, .init(target: target(id, url: nil), endpoint: endpoint))
        #expect(route.endpoint.id == endpoint.id)
        #expect(route.target.id == id)
    }

    @Test func itselfIsAlwaysAllowed() {
        #expect(refusal(id, nil, target(id, under: [root])) == nil)
    }
}
