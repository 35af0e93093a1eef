import Concurrency
import Testing
import TestSupport

@Suite(.timeLimit(.minutes(5))) struct CancellationTests {
    @Test func waitsUntilTheTaskIsCancelled() async {
        for yields in 0..<50 {
            let begun = Gate()
            let task = Task {
                begun.open()
                await Cancellation.wait()
                return Task.isCancelled
            }
            await begun.wait()
            // It may be cancelled before, while and after it begins to wait.
            for _ in 0..<yields { await Task.yield() }
            task.cancel()
            #expect(await task.value)
        }
    }

    @Test func returnsAtOnceInATaskThatIsCancelledAlready() async {
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            await Cancellation.wait()
            await Cancellation.wait()
        }
        task.cancel()
        await task.value
    }

    @Test func endsWithTheTaskGroupAroundIt() async {
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    await Cancellation.wait()
                    return Task.isCancelled
                }
            }
            group.cancelAll()
            for await isCancelled in group { #expect(isCancelled) }
        }
    }
}
