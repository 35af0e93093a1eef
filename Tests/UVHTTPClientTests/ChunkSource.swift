import HTTPCore
import Synchronization

/// A body made of given chunks.
final class ChunkSource: HTTPByteSource {
    private struct State {
        var chunks: ArraySlice<[UInt8]>
        var taken = 0
        var isCancelled = false
    }

    private let state: Mutex<State>

    init(_ chunks: [String]) {
        state = Mutex(State(chunks: chunks.map { Array($0.utf8) }[...]))
    }

    init(repeating chunk: [UInt8], count: Int) {
        state = Mutex(State(chunks: Array(repeating: chunk, count: count)[...]))
    }

    var taken: Int { state.withLock { $0.taken } }
    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    func next() async throws(HTTPBodyError) -> [UInt8]? {
        state.withLock { state in
            guard let chunk = state.chunks.popFirst() else { return nil }
            state.taken += 1
            return chunk
        }
    }

    func cancel() {
        state.withLock { $0.isCancelled = true }
    }
}

/// A body that never comes.
final class StalledSource: HTTPByteSource {
    private struct State {
        var reader: CheckedContinuation<Void, Never>?
        var isCancelled = false
    }

    private let state = Mutex(State())

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    func next() async throws(HTTPBodyError) -> [UInt8]? {
        await withCheckedContinuation { continuation in
            let isCancelled = state.withLock { state in
                if !state.isCancelled { state.reader = continuation }
                return state.isCancelled
            }
            if isCancelled { continuation.resume() }
        }
        throw .cancelled
    }

    func cancel() {
        let reader = state.withLock { state in
            state.isCancelled = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }
}
