import CCurl
import HTTPCore
import UVLoop

/// Feeds a streamed request body to libcurl, one chunk at a time. Loop thread only; its task prefers that loop.
final class CurlUpload {
    private let source: any HTTPByteSource
    /// It keeps the upload, in return for nothing.
    private weak var transfer: CurlTransfer?
    private let loop: EventLoop
    private var chunk: ArraySlice<UInt8> = []
    private var isAtEnd = false
    private var isStopped = false
    /// libcurl asked for bytes and there were none.
    private(set) var isStarving = false
    private var consumed: UnsafeContinuation<Void, Never>?
    private var task: Task<Void, Never>?

    init(_ source: any HTTPByteSource, transfer: CurlTransfer) {
        self.source = source
        self.transfer = transfer
        loop = transfer.call.loop
    }

    func start() {
        let upload = LoopBound(self, on: loop)
        task = Task(executorPreference: loop) { await upload.value.run() }
    }

    /// The transfer is over. The source is told only when it is not at its end.
    func stop() {
        guard !isStopped else { return }
        isStopped = true
        consumed?.resume()
        consumed = nil
        if !isAtEnd {
            task?.cancel()
            source.cancel()
        }
    }

    private func run() async {
        do {
            while !isStopped {
                guard let next = try await source.next() else { break }
                guard !isStopped else { return }
                guard !next.isEmpty else { continue }
                chunk = next[...]
                resume()
                if !chunk.isEmpty, !isStopped { await withUnsafeContinuation { consumed = $0 } }
            }
            guard !isStopped else { return }
            isAtEnd = true
            resume()
        } catch {
            if !isStopped { transfer?.call.fail(.requestBody, "\(error)") }
        }
    }

    private func resume() {
        guard isStarving else { return }
        isStarving = false
        transfer?.applyPauses()
    }

    /// libcurl's read callback.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard !isStopped else { return switchyard_curl_read_abort }
        guard !chunk.isEmpty else {
            if isAtEnd { return 0 }
            isStarving = true
            return switchyard_curl_read_pause
        }
        transfer?.call.clock.recordActivity(at: loop.nowMilliseconds)
        let part = chunk.prefix(buffer.count)
        part.withUnsafeBytes { buffer.copyMemory(from: $0) }
        chunk = chunk.dropFirst(part.count)
        if chunk.isEmpty {
            consumed?.resume()
            consumed = nil
        }
        return part.count
    }
}
