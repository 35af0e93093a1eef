import Synchronization
import Testing
import UVLoop

@Suite("Time that a test advances", .timeLimit(.minutes(1)))
struct ManualTimeTests {
    private func withLoop(_ body: (EventLoop) async throws -> Void) async throws {
        let group = EventLoopGroup(count: 1, hasManualTime: true)
        defer { group.shutdown() }
        try await body(group.loops[0])
    }

    private func now(_ loop: EventLoop) async -> UInt64 {
        await withCheckedContinuation { continuation in
            loop.execute { continuation.resume(returning: loop.nowMilliseconds) }
        }
    }

    @Test("Timers fire in order, at their time, and not before it comes")
    func order() async throws {
        try await withLoop { loop in
            let fired = Mutex<[UInt64]>([])
            let start = await now(loop)
            for delay in [300, 100, 200, 100] {
                loop.schedule(after: .milliseconds(delay)) {
                    fired.withLock { $0.append(loop.nowMilliseconds - start) }
                }
            }
            await loop.advance(by: .milliseconds(99))
            #expect(fired.withLock { $0 } == [])
            await loop.advance(by: .milliseconds(150))
            #expect(fired.withLock { $0 } == [100, 100, 200])
            await loop.advance(by: .seconds(3600))
            #expect(fired.withLock { $0 } == [100, 100, 200, 300])
            #expect(await now(loop) - start == 3_600_249)
        }
    }

    @Test("A repeated timer fires once an interval until it is stopped, and a cancelled call never does")
    func repetition() async throws {
        final class Held: @unchecked Sendable {  // used on one loop only
            var timer: LoopTimer?
        }
        try await withLoop { loop in
            let held = Held()
            let count = Atomic<Int>(0)
            loop.schedule(after: .milliseconds(15)) { count.add(1000, ordering: .relaxed) }.cancel()
            loop.execute {
                held.timer = loop.makeTimer {
                    if count.add(1, ordering: .relaxed).newValue == 3 { held.timer?.stop() }
                }
                held.timer?.start(after: .milliseconds(10), repeating: .milliseconds(20))
            }
            await loop.advance(by: .milliseconds(49))
            let before = count.load(ordering: .relaxed)
            #expect(before == 2)
            await loop.advance(by: .seconds(60))
            let after = count.load(ordering: .relaxed)
            #expect(after == 3)
            loop.execute { held.timer = nil }
        }
    }
}
