import Testing
import UVLoop

@Suite("What is bound to a loop")
struct LoopBoundTests {
    /// Not Sendable.
    private final class Count {
        var total = 0
    }

    private func total(of count: LoopBound<Count>) async -> Int {
        await withCheckedContinuation { continuation in
            count.loop.execute { continuation.resume(returning: count.value.total) }
        }
    }

    @Test("An object that is handed to a loop is used there")
    func handed() async {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let count = LoopBound(handing: Count(), to: group.loops[0])
        for _ in 0..<100 { count.loop.execute { count.value.total += 1 } }
        #expect(await total(of: count) == 100)
    }

    @Test("Its use on another thread stops the process")
    func elsewhere() async {
        await #expect(processExitsWith: .failure) {
            let group = EventLoopGroup(count: 1)
            LoopBound(handing: Count(), to: group.loops[0]).value.total += 1
        }
    }

    @Test("Work posted from another thread stops the process")
    func postedElsewhere() async {
        await #expect(processExitsWith: .failure) {
            EventLoopGroup(count: 1).loops[0].post {}
        }
    }

    @Test("A call that is posted for later keeps what belongs to the loop, and is not made once it is cancelled")
    func later() async {
        let group = EventLoopGroup(count: 1, hasManualTime: true)
        defer { group.shutdown() }
        let count = LoopBound(handing: Count(), to: group.loops[0])
        count.loop.execute {
            let own = count.value
            count.loop.post(after: .milliseconds(10)) { own.total += 1 }
            count.loop.post(after: .milliseconds(10)) { own.total += 10 }.cancel()
        }
        await count.loop.advance(by: .milliseconds(20))
        #expect(await total(of: count) == 1)
    }
}
