import Foundation
import Synchronization

/// An agent that works on each message for some milliseconds and keeps account of its deliveries: whatever
/// breaks the guarantee of the queue is a violation.
///
/// `@unchecked Sendable`: its agent never changes; the account is locked.
final class WorkingAgent: @unchecked Sendable {
    private struct Account {
        /// The connections of those that are worked on, by message.
        var running: [String: [HostileConnection]] = [:]
        var begun: [String: Int] = [:]
        var done: Set<String> = []
        var violations: [String] = []
        var mostAtOnce = 0
        var refused: Set<String> = []
        var isBusy = false
        var holdsFirst = false
        var refusesEvery = 0
    }

    private let account: Box
    private let agent: HostileAgent

    /// The agent's script needs the account before there is an agent.
    private final class Box: Sendable {
        let state = Mutex(Account())
    }

    var url: String { agent.url }
    var violations: [String] { account.state.withLock { $0.violations } }
    var done: Set<String> { account.state.withLock { $0.done } }
    var mostAtOnce: Int { account.state.withLock { $0.mostAtOnce } }
    /// Messages that it was given more than once, and began more than once.
    var repeated: Int { account.state.withLock { $0.begun.values.count { $0 > 1 } } }

    /// Responds to everything with 503.
    var isBusy: Bool {
        get { account.state.withLock { $0.isBusy } }
        set { account.state.withLock { $0.isBusy = newValue } }
    }

    /// The first delivery of a message is worked on until its sender hangs up.
    var holdsFirst: Bool {
        get { account.state.withLock { $0.holdsFirst } }
        set { account.state.withLock { $0.holdsFirst = newValue } }
    }

    /// - Parameter refusesEvery: of every so many messages, the first delivery of one gets a 503; 0 for none.
    init(refusesEvery: Int = 0) throws {
        let account = Box()
        self.account = account
        account.state.withLock { $0.refusesEvery = refusesEvery }
        agent = try HostileAgent { peer, request in Self.work(peer, request, account) }
    }

    func stop() { agent.stop() }

    func isRunning(_ message: String) -> Bool { account.state.withLock { $0.running[message]?.isEmpty == false } }

    private static func work(_ peer: HostileConnection, _ request: HostileAgent.Request, _ account: Box) {
        let id = request.messageID
        guard let pause = account.state.withLock({ begin(id, request.attempt, on: peer, &$0) }) else {
            return peer.respond("{}", status: "503 Busy")
        }
        let isGone = peer.peerIsGone(within: pause)
        account.state.withLock { state in
            state.running[id]?.removeAll { $0 === peer }
            if !isGone { state.done.insert(id) }
        }
        if isGone { peer.end() } else { peer.respond() }
    }

    /// - Returns: how long the work takes; nil when it is refused.
    private static func begin(
        _ id: String, _ attempt: Int?, on peer: HostileConnection, _ account: inout Account
    ) -> Duration? {
        if account.isBusy { return nil }
        let hash = id.utf8.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        if account.refusesEvery > 0, hash % UInt64(account.refusesEvery) == 0, account.refused.insert(id).inserted {
            return nil
        }
        // The thread of a call that was hung up may not have been scheduled since.
        let isRunning = account.running[id, default: []].contains { !$0.wasHungUp }
        if isRunning { account.violations.append("\(id) ran twice at once") }
        if account.begun[id, default: 0] > 0, attempt == nil {
            account.violations.append("\(id) came again and did not say so")
        }
        if account.done.contains(id), attempt == nil { account.violations.append("\(id) was done already") }
        account.running[id, default: []].append(peer)
        account.begun[id, default: 0] += 1
        account.mostAtOnce = max(account.mostAtOnce, account.running.values.joined().count { !$0.wasHungUp })
        if account.holdsFirst, account.begun[id] == 1 { return .seconds(60) }
        return .milliseconds(Int((hash >> 8) % 60) + 5)
    }
}
