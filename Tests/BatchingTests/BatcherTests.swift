import Synchronization
import Testing

@testable import Batching

/// Records the batches and lets the test decide when each may end.
private final class Recorder: Sendable {
    private let state = Mutex<[[Int]]>([])
    let gate = AsyncStream<Void>.makeStream()

    var batches: [[Int]] { state.withLock { $0 } }

    func record(_ batch: [Int]) {
        state.withLock { $0.append(batch) }
    }
}

@Suite("Batcher")
struct BatcherTests {
    private struct Refused: Error {}

    @Test("Every input gets its own output, whatever batch it fell into")
    func outputs() async throws {
        let batcher = Batcher<Int, Int>(limit: 7) { batch in
            #expect(batch.count <= 7)
            await Task.yield()
            return batch.map { $0 * 2 }
        }
        let sum = try await withThrowingTaskGroup(of: Bool.self) { group in
            for input in 0..<500 {
                group.addTask { try await batcher.submit(input) == input * 2 }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(sum == 500)
    }

    @Test("What arrives during a flush shares the next one, and one key never stands twice in a batch")
    func grouping() async throws {
        let recorder = Recorder()
        let batcher = Batcher<Int, Int>(limit: 100, key: { $0 % 10 }) { batch in
            recorder.record(batch)
            if batch == [0] { for await _ in recorder.gate.stream { break } }
            return batch
        }
        async let first = batcher.submit(0)
        while recorder.batches.isEmpty { await Task.yield() }
        for input in [1, 2, 11, 3, 21] { batcher.add(input) }
        recorder.gate.continuation.yield()
        _ = try await first
        _ = try await batcher.submit(31)
        #expect(recorder.batches == [[0], [1, 2, 3], [11], [21], [31]])
    }

    @Test("What has the key of a flush that runs waits for its end, beside which others are flushed")
    func overlap() async throws {
        let recorder = Recorder()
        let batcher = Batcher<Int, Int>(limit: 100, concurrency: 2, key: { $0 % 10 }) { batch in
            recorder.record(batch)
            if batch == [0] { for await _ in recorder.gate.stream { break } }
            return batch
        }
        async let first = batcher.submit(0)
        while recorder.batches.isEmpty { await Task.yield() }
        batcher.add(10)
        #expect(try await batcher.submit(1) == 1)
        #expect(recorder.batches == [[0], [1]])
        recorder.gate.continuation.yield()
        _ = try await first
        #expect(try await batcher.submit(20) == 20)
        #expect(recorder.batches == [[0], [1], [10], [20]])
    }

    @Test("A failed flush fails its inputs and no others")
    func failure() async throws {
        let batcher = Batcher<Int, Int>(limit: 1) { batch in
            if batch == [1] { throw Refused() }
            return batch
        }
        await #expect(throws: Refused.self) { try await batcher.submit(1) }
        #expect(try await batcher.submit(2) == 2)
    }

    @Test("More than the capacity is refused")
    func capacity() async throws {
        let recorder = Recorder()
        let batcher = Batcher<Int, Int>(limit: 1, capacity: 2) { batch in
            recorder.record(batch)
            for await _ in recorder.gate.stream { break }
            return batch
        }
        async let first = batcher.submit(0)
        while recorder.batches.isEmpty { await Task.yield() }
        #expect(batcher.add(1))
        #expect(batcher.add(2))
        #expect(!batcher.add(3))
        await #expect(throws: BatcherError.self) { try await batcher.submit(4) }
        recorder.gate.continuation.finish()
        _ = try await first
    }

    @Test("Taking a batch costs the same however much of the same keys waits")
    func backlogOfFewKeys() {
        // Nearly all of one key, which a search for different ones would have to walk over for every batch.
        var backlog = Backlog<Int>(limit: 500) { $0 % 100 == 99 ? $0 : -1 }
        let count = 20_000
        for number in 0..<count { backlog.add(number) }
        var taken: [Int] = []
        var batches = 0
        while backlog.count > 0 {
            let batch = backlog.take()
            #expect(batch.filter { $0 % 100 != 99 }.count <= 1)
            taken += batch
            batches += 1
            backlog.finish(batch)
        }
        #expect(batches >= count * 99 / 100)
        #expect(taken.sorted() == Array(0..<count))
        let ofOneKey = taken.filter { $0 % 100 != 99 }
        #expect(ofOneKey == ofOneKey.sorted())
    }

    @Test("Elements without a key come in order")
    func plainBacklog() {
        var backlog = Backlog<Int>(limit: 1500)
        for number in 0..<2000 { backlog.add(number) }
        #expect(backlog.take() == Array(0..<1500))
        backlog.add(2000)
        #expect(backlog.take() == Array(1500...2000))
        #expect(backlog.take().isEmpty && backlog.count == 0)
    }
}
