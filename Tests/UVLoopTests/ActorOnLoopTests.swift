import Testing
import UVLoop

/// The loop as the serial executor of an actor, called from tasks that prefer loops and from ones that do not.
@Suite struct ActorOnLoopTests {
    private actor Counter {
        private let loop: EventLoop
        private var count = 0
        nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

        init(loop: EventLoop) { self.loop = loop }

        func increment() async -> Int {
            let before = count
            assertIsolated()
            #expect(loop.inLoop)
            await Task.yield()
            #expect(loop.inLoop)
            count += 1
            return before
        }

        var total: Int { count }
    }

    @Test func itsMethodsRunOnTheLoopWhereverTheyAreCalledFrom() async {
        let group = EventLoopGroup(count: 2)
        let counter = Counter(loop: group.loops[0])
        await withTaskGroup(of: Void.self) { tasks in
            for number in 0..<300 {
                let executor: EventLoop? = number % 3 == 2 ? nil : group.loops[number % 3]
                tasks.addTask(executorPreference: executor) { _ = await counter.increment() }
            }
        }
        #expect(await counter.total == 300)
        group.shutdown()
    }
}
