import Contracts
import EventOutbox
import Foundation
import HTTPCore
import Postgres
import Scheduler
import Sweeper
import UVHTTPServer

@testable import A2AProxy
@testable import Authentication
@testable import Lifecycle
@testable import Registry

/// Every writer that locks rows of several tables, or several rows of one.
enum LockOrderWriter: String, CaseIterable, Sendable {
    case register, beat, seen, card, issueToken, revokeToken, create, move, rename, budget
    case enqueue, deliver, delegate, endDelegation, touch, dropStale, cancelMany, retryMany
    case pause, resume, hibernate, restart, wake, markUnreachable, delete, purge, secret, finishJob, extend, handBack
    case sweep, releaseByHand, sleep, recover, expire, abandon, prune, markContainersOffline, timeOut, leaveOver,
        changeImage
    case fire, recordRuns, createSchedule, runSchedule, deleteSchedule, freePhantoms

    private static let source = "switchyard/test"

    /// Does it once to workspaces of the arena. A refusal is as good as a success.
    func run(in arena: LockOrderArena) async throws {
        do {
            try await write(arena)
        } catch is LifecycleRefusal {
        } catch let error as APIError where error.status.code < 500 {
        }
    }

    private func write(_ arena: LockOrderArena) async throws {
        switch self {
        case .register, .beat, .seen, .card, .issueToken, .revokeToken, .create, .move, .rename, .budget:
            try await change(arena)
        case .enqueue, .deliver, .delegate, .endDelegation, .touch, .dropStale, .cancelMany, .retryMany:
            try await send(arena)
        case .pause, .resume, .hibernate, .restart, .wake, .markUnreachable, .delete, .purge, .secret, .finishJob,
            .extend,
            .handBack:
            try await live(arena)
        case .sweep, .releaseByHand, .sleep, .recover, .expire, .abandon, .prune, .markContainersOffline, .timeOut,
            .leaveOver,
            .changeImage:
            try await heal(arena)
        case .fire, .recordRuns, .createSchedule, .runSchedule, .deleteSchedule, .freePhantoms:
            try await schedule(arena)
        }
    }

    private func change(_ arena: LockOrderArena) async throws {
        let (pool, ids) = (arena.pool, arena.ids)
        switch self {
        case .register:
            for id in ids {
                let registrant = Registrant(
                    identity: .workspace(id), hasToken: true, workspaceExisted: true, mayCreate: false)
                let card = Array(#"{"name":"\#(UUID())"}"#.utf8)
                do {
                    _ = try await RegistrationStore(postgres: pool, source: Self.source).register(
                        id, url: "http://9.9.9.9", card: card, by: registrant, traceparent: nil)
                } catch let error as APIError where error.status == .gone {}
            }
        case .beat:
            let sorted = ids.sorted { $0.uuidString < $1.uuidString }
            let beats = try sorted.map { try Heartbeat.made($0, StatusRule.Beat(errorRate: .random(in: 0...1))) }
            _ = try await HeartbeatStore(postgres: pool).write(beats, source: Self.source)
        case .seen: try await TokenStore(postgres: pool).seen(ids.sorted())
        case .card:
            _ = try await RegistrationStore(postgres: pool, source: Self.source).replaceCard(
                ids[1], card: Array("{}".utf8), traceparent: nil)
        case .issueToken:
            for id in ids { _ = try await WorkspaceTokenStore(postgres: pool, source: Self.source).issue(id) }
        case .revokeToken:
            for (id, token) in zip(ids, arena.tokens) {
                _ = try await WorkspaceTokenStore(postgres: pool, source: Self.source).revoke(token, of: id)
            }
            try await TokenStore(postgres: pool).markUsed(arena.tokens)
        case .create:
            var request = CreateWorkspaceRequest(name: "child")
            request.parentID = ids[0]
            let new = try NewWorkspaceRule.workspace(request, hasProvisioner: true, isDevelopment: false)
            _ = try await WorkspaceStore(postgres: pool, source: Self.source).create(new, traceparent: nil)
        case .move:
            for parent in [ids[4], ids[2], ids[0]] {
                _ = try await WorkspaceUpdateStore(postgres: pool, source: Self.source).update(
                    ids[1], UpdateWorkspaceRequest(tier: .set(.random(in: 0...9)), parentID: .set(parent)),
                    traceparent: nil)
            }
        case .rename:
            _ = try await WorkspaceUpdateStore(postgres: pool, source: Self.source).update(
                ids[0], UpdateWorkspaceRequest(name: .set("\(UUID())")), traceparent: nil)
        default: _ = try await BudgetStore(postgres: pool, source: Self.source).set(ids[2], limit: 7, traceparent: nil)
        }
    }

    private func send(_ arena: LockOrderArena) async throws {
        let (pool, ids) = (arena.pool, arena.ids)
        let queue = QueueStore(postgres: pool, source: Self.source)
        let delegations = DelegationStore(postgres: pool, source: Self.source)
        switch self {
        case .enqueue:
            let items = ids.shuffled().map { id in
                NewItem(workspace: id, caller: ids[0], method: "message/send", body: "{}", messageID: "\(UUID())")
            }
            _ = try await queue.enqueue(items)
        case .deliver:
            let claims = try await queue.claim(
                ids, within: ClaimBounds(itemsEach: 2, bytes: 1 << 20), owner: "test",
                lease: .seconds(30), busyPause: .seconds(1))
            _ = try await queue.finish(claims.items.map { Self.finished($0) })
        case .delegate:
            for (source, target) in zip(ids, ids.dropFirst()) {
                _ = try await delegations.create(NewDelegation(source: source, target: target, task: "t", body: "{}"))
            }
        case .endDelegation:
            for (index, id) in arena.delegations.enumerated() {
                _ = try await delegations.update(
                    id, of: ids[(index + 1) % ids.count], to: .completed, error: nil, response: "r")
            }
        case .cancelMany, .retryMany:
            var filter = FleetQueueFilter()
            filter.olderThan = 0
            _ = try await FleetQueueStore(queue: queue).change(
                self == .retryMany ? .retry : .cancel, filter, after: nil, limit: FleetQueueStore.piece)
        case .touch:
            try await TargetStore(postgres: pool).markUsed(
                ids.shuffled().map { CallParty(workspace: $0, isSender: .random()) })
        default: _ = try await queue.dropStale(minutes: 0, of: nil, reason: "stale")
        }
    }

    private static func finished(_ item: ClaimedItem) -> FinishedItem {
        let outcome =
            Bool.random() ? CallOutcome.responded(AgentResponse(status: 200, contentType: nil, body: [])) : .absent
        let verdict = QueueRules().verdict(on: outcome, for: item.facts)
        var finished = FinishedItem(
            id: item.id, workspace: item.workspace, claimNumber: item.claimNumber, verdict: verdict)
        finished.hasResponse = true
        return finished
    }

    private func live(_ arena: LockOrderArena) async throws {
        let (pool, ids) = (arena.pool, arena.ids)
        let store = LifecycleStore(postgres: pool, source: Self.source, hasProvisioner: true)
        switch self {
        case .pause: _ = try await store.pause(ids[0])
        case .resume:
            // Running starts go on beside a pause.
            do { _ = try await store.pause(ids[0]) } catch is LifecycleRefusal {}
            _ = try await store.resume(ids[0])
        case .hibernate: _ = try await store.hibernate(ids[1], isForced: true)
        case .restart: for id in ids { _ = try await store.restart(id, reason: "test") }
        case .wake: for id in ids { _ = try await store.wake(id) }
        case .markUnreachable: for id in ids { _ = try await store.markUnreachable(id) }
        case .delete: _ = try await store.delete(ids[0], isConfirmed: true, purges: false)
        case .purge:
            for id in [ids[1], ids[0]] { _ = try await store.delete(id, isConfirmed: true, purges: true) }
        case .secret:
            try await pool.transaction { try await store.secretChanged(of: nil, key: "KEY", $0) }
        case .extend, .handBack:
            let claims = arena.jobs.shuffled().map { JobClaim(job: $0, number: 1) }
            let jobs = JobStore(postgres: pool, source: Self.source)
            if self == .extend { _ = try await jobs.extend(claims, lease: 60) } else { try await jobs.handBack(claims) }
        default:
            let jobs = JobStore(postgres: pool, source: Self.source)
            for (id, workspace) in zip(arena.jobs, ids) {
                let job = LifecycleJob(
                    id: id, workspace: workspace, kind: .restart, attempts: 0, claimNumber: 1, removesVolume: false)
                _ = try await jobs.finish(job, .started(url: "http://127.0.0.1:1"))
            }
        }
    }

    private func heal(_ arena: LockOrderArena) async throws {
        let queue = ExpiredLeaseStore(postgres: arena.pool, source: Self.source)
        switch self {
        case .sweep: _ = try await LivenessStore(postgres: arena.pool, source: Self.source).sweep(.managed, ttl: 0.001)
        case .releaseByHand:
            _ = try await LivenessStore(postgres: arena.pool, source: Self.source).release(
                .managed, ttl: 0.001, by: "admin")
        case .sleep:
            let lifecycle = LifecycleStore(postgres: arena.pool, source: Self.source, hasProvisioner: true)
            let store = HibernationStore(postgres: arena.pool, lifecycle: lifecycle)
            for id in arena.ids { _ = try await store.hibernate(id) }
        case .recover: _ = try await queue.recoverLeases()
        case .expire: _ = try await queue.dropExpired()
        case .prune: try await prune(arena)
        case .markContainersOffline:
            let store = ContainerHealthStore(postgres: arena.pool, source: Self.source)
            let time = try await store.expected().at
            _ = try await store.markOffline(arena.ids.shuffled(), seenAt: time, silence: 0)
        case .timeOut:
            let timeouts = ProvisionTimeouts(override: 0, declared: [:])
            _ = try await ProvisionTimeoutStore(postgres: arena.pool, source: Self.source).fail(timeouts)
        case .leaveOver: _ = try await OrphanStore(postgres: arena.pool).remove(arena.ids.shuffled())
        case .changeImage:
            let store = LifecycleStore(postgres: arena.pool, source: Self.source, hasProvisioner: true)
            try await arena.pool.transaction { try await store.imageChanged(of: arena.ids.shuffled(), $0) }
        default: _ = try await queue.dropAbandoned()
        }
    }

    private func schedule(_ arena: LockOrderArena) async throws {
        let (pool, ids) = (arena.pool, arena.ids)
        let store = ScheduleStore(postgres: pool, source: Self.source)
        switch self {
        case .fire: _ = try await FiringStore(postgres: pool, source: Self.source).fire()
        case .recordRuns: _ = try await OutcomeStore(postgres: pool, source: Self.source).recordEnded()
        case .createSchedule:
            let checked = try ScheduleRule.check(name: "\(UUID())", expression: "@daily", timezone: "UTC", prompt: "p")
            for id in ids { _ = try await store.create(checked, CreateScheduleRequest(), for: id) }
        case .runSchedule:
            for (id, schedule) in zip(ids, arena.schedules) {
                _ = try await ManualRunStore(postgres: pool, source: Self.source).run(schedule, of: id)
            }
        case .deleteSchedule:
            for (id, schedule) in zip(ids, arena.schedules) { _ = try await store.delete(schedule, of: id) }
        default: _ = try await PhantomBusyStore(postgres: pool).reset(olderThan: 0)
        }
    }

    /// As if everything that is over were old.
    private func prune(_ arena: LockOrderArena) async throws {
        var settings = RetentionSettings()
        settings.activity = .milliseconds(1)
        settings.queueItems = .milliseconds(1)
        settings.delegations = .milliseconds(1)
        settings.lifecycleJobs = .milliseconds(1)
        settings.revokedTokens = .milliseconds(1)
        let store = RetentionStore(postgres: arena.pool, instance: "test")
        for table in RetentionTable.all(settings) { _ = try await store.prune(table, after: nil, rows: 100) }
    }
}
