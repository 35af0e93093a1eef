import A2AProxy
import Batching
import Foundation
import Postgres
import Testing
import TestSupport

/// What callers of one moment have to do with each other: their messages are stored together.
@Suite struct EnqueuerTests {
    private static func new(_ workspace: UUID, _ key: String) -> NewItem {
        NewItem(workspace: workspace, caller: nil, method: "message/send", body: "{}", messageID: key)
    }

    /// Longer than any row of an index, and not to be compressed to less.
    private static let poison = String(
        decoding: (0..<9600).map { _ in UInt8.random(in: 0x21...0x7E) }, as: UTF8.self)

    @Test func oneThatTheDatabaseRefusesIsRefusedAlone() async throws {
        try await ProxyFixture.with(try await SharedServers.postgres().makeMigratedDatabase("enqueuer")) { proxy in
            let workspace = try await proxy.workspace(at: "http://127.0.0.1:1")
            let enqueuer = Enqueuer(store: proxy.queue, relay: proxy.relay, metrics: proxy.metrics)
            let keys = (0..<40).map { $0 == 20 ? Self.poison : "m\($0)" }
            let refused = await withTaskGroup(of: String?.self) { group in
                for key in keys {
                    group.addTask {
                        do { _ = try await enqueuer.enqueue(Self.new(workspace, key)) } catch { return key }
                        return nil
                    }
                }
                return await group.reduce(into: [String]()) { if let key = $1 { $0.append(key) } }
            }
            #expect(refused == [Self.poison])
            let stored = Statement("test_stored", "SELECT count(*) FROM a2a_queue")
            #expect(try await proxy.postgres.query(stored)[0].int(0) == 39)
        }
    }

    private static func message(
        _ id: Int, _ text: String, context: String = "c", method: String = "message/send"
    ) -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":{"message":{"messageId":"m","contextId":"#
            + #""\#(context)","parts":[{"kind":"text","text":"\#(text)"}]}}}"#
    }

    @Test func aMessageSentAgainIsTheSameAndAnotherOneIsRefused() async throws {
        try await ProxyFixture.with(try await SharedServers.postgres().makeMigratedDatabase("twins")) { proxy in
            let workspace = try await proxy.workspace(at: "http://127.0.0.1:1")
            let enqueuer = Enqueuer(store: proxy.queue, relay: proxy.relay, metrics: proxy.metrics)
            func send(_ body: String) async throws -> UUID {
                try await enqueuer.enqueue(
                    NewItem(workspace: workspace, caller: nil, method: "message/send", body: body, messageID: "m")
                ).id
            }
            let first = try await send(Self.message(1, "one"))
            // Who tries again makes a new request of it.
            #expect(try await send(Self.message(2, "one")) == first)
            for other in [
                Self.message(1, "two"), Self.message(1, "one", context: "d"),
                Self.message(1, "one", method: "message/stream"), "{}",
            ] {
                await #expect(throws: MessageIDTaken.self) { try await send(other) }
            }
            let count = Statement("test_items", "SELECT count(*) FROM a2a_queue")
            #expect(try await proxy.postgres.query(count)[0].int(0) == 1)
        }
    }

    private static let hold = Statement(
        "test_hold_workspace", "SELECT FROM workspace_vitals WHERE workspace_id = $1 FOR UPDATE")

    @Test(
        "Messages for other targets do not wait for one whose rows are held, and its own are stored once it is free"
    )
    func heldTarget() async throws {
        try await ProxyFixture.with(try await SharedServers.postgres().makeMigratedDatabase("held")) { proxy in
            let held = try await proxy.workspace(at: "http://127.0.0.1:1")
            let others = [
                try await proxy.workspace(at: "http://127.0.0.1:2"),
                try await proxy.workspace(at: "http://127.0.0.1:3"),
            ]
            let enqueuer = Enqueuer(store: proxy.queue, relay: proxy.relay, metrics: proxy.metrics)
            let waiting = try await proxy.postgres.transaction { session in
                _ = try await session.query(Self.hold, [held])
                // All at once, so that they come into the same batches.
                let waiting = (0..<10).map { number in
                    Task { try await enqueuer.enqueue(Self.new(held, "held-\(number)")) }
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<20 {
                        group.addTask {
                            _ = try await enqueuer.enqueue(Self.new(others[number % 2], "other-\(number)"))
                        }
                    }
                    try await group.waitForAll()
                }
                return waiting
            }
            for task in waiting { #expect(try await task.value.event != nil) }
        }
    }

    private static let lock = Statement("test_lock_queue", "LOCK TABLE a2a_queue IN ACCESS EXCLUSIVE MODE")
    private static let isWaiting = Statement(
        "test_lock_waited_for",
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'a2a_queue'::regclass)")

    @Test func whatWaitsForTheDatabaseIsBoundedByBytes() async throws {
        try await ProxyFixture.with(try await SharedServers.postgres().makeMigratedDatabase("backlog")) { proxy in
            let workspace = try await proxy.workspace(at: "http://127.0.0.1:1")
            let enqueuer = Enqueuer(
                store: proxy.queue, relay: proxy.relay, metrics: proxy.metrics, backlogBytes: 1000)
            @Sendable func new(_ key: String) -> NewItem {
                NewItem(
                    workspace: workspace, caller: nil, method: "message/send",
                    body: String(repeating: "x", count: 600), messageID: key)
            }
            let first = try await proxy.postgres.transaction { session in
                _ = try await session.query(Self.lock)
                let first = Task { try await enqueuer.enqueue(new("first")) }
                try await eventually("the first to wait") {
                    try await proxy.postgres.query(Self.isWaiting)[0].bool(0)
                }
                await #expect(throws: BatcherError.self) { try await enqueuer.enqueue(new("second")) }
                return first
            }
            #expect(try await first.value.depth == 1)
            // Its bytes are free again.
            #expect(try await enqueuer.enqueue(new("third")).depth == 2)
        }
    }
}
