import Foundation
import Synchronization
import Testing
import UVLoop

private final class Recorder: Sendable {
    private let seen = Mutex<[Int: [Int]]>([:])

    func record(_ value: Int, by sender: Int) {
        seen.withLock { $0[sender, default: []].append(value) }
    }

    var all: [Int: [Int]] { seen.withLock { $0 } }
}

@Suite("Event loop")
struct EventLoopTests {
    private func withLoop<Result>(_ body: (EventLoop) async throws -> Result) async rethrows -> Result {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        return try await body(group.loops[0])
    }

    @Test("A task that prefers a loop resumes on it after every suspension")
    func tasksStay() async throws {
        try await withLoop { loop in
            let task = Task(executorPreference: loop) {
                var seen = [loop.inLoop]
                try await loop.sleep(for: .milliseconds(1))
                seen.append(loop.inLoop)
                await Task.yield()
                seen.append(loop.inLoop)
                return seen
            }
            let seen = try await task.value
            #expect(seen == [true, true, true])
        }
    }

    @Test("Work from many threads runs once each, in the order of its thread")
    func remoteWork() async {
        await withLoop { loop in
            let recorder = Recorder()
            await withTaskGroup(of: Void.self) { group in
                for sender in 0..<4 {
                    group.addTask {
                        for index in 0..<1000 {
                            loop.execute { recorder.record(index, by: sender) }
                        }
                        await withCheckedContinuation { continuation in loop.execute { continuation.resume() } }
                    }
                }
            }
            let all = recorder.all
            #expect(all.count == 4)
            #expect(all.values.allSatisfy { $0 == Array(0..<1000) })
        }
    }

    @Test("Work that queues work does not starve timers")
    func fairness() async {
        await withLoop { loop in
            let over = Atomic<Bool>(false)
            @Sendable func again() { if !over.load(ordering: .relaxed) { loop.post(again) } }
            loop.execute(again)
            await withCheckedContinuation { continuation in
                loop.schedule(after: .milliseconds(20)) {
                    over.store(true, ordering: .relaxed)
                    continuation.resume()
                }
            }
            let ended = over.load(ordering: .relaxed)
            #expect(ended)
        }
    }

    @Test("A cancelled sleep ends at once")
    func cancelledSleep() async {
        await withLoop { loop in
            let task = Task(executorPreference: loop) { try await loop.sleep(for: .seconds(60)) }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test("A cancelled call is not made, and the loop lets go of it")
    func cancelledCall() async {
        await withLoop { loop in
            final class Token: Sendable {}
            weak var weakToken: Token?
            do {
                let token = Token()
                weakToken = token
                let call = loop.schedule(after: .seconds(60)) { _ = token }
                call.cancel()
            }
            for _ in 0..<3 {
                await withCheckedContinuation { continuation in loop.execute { continuation.resume() } }
            }
            #expect(weakToken == nil)
        }
    }

    @Test("Timers fire in order and not early")
    func timerOrder() async {
        await withLoop { loop in
            let order = Mutex<[Int]>([])
            let start = ContinuousClock.now
            await withCheckedContinuation { continuation in
                for delay in [300, 100, 200] {
                    loop.schedule(after: .milliseconds(delay)) {
                        order.withLock { $0.append(delay) }
                        if delay == 300 { continuation.resume() }
                    }
                }
            }
            #expect(order.withLock { $0 } == [100, 200, 300])
            #expect(ContinuousClock.now - start >= .milliseconds(299))
        }
    }

    @Test("Addresses keep their text", arguments: ["127.0.0.1", "::1", "2001:db8::7", "255.255.255.255"])
    func addresses(ip: String) throws {
        let address = try #require(SocketAddress(ip: ip, port: 9))
        #expect(address.ip == ip)
        #expect(address.isIPv6 == ip.contains(":"))
        #expect(SocketAddress(ip: ip + "x", port: 9) == nil)
    }
}
