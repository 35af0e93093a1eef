import HTTPCore
import UVLoop

/// Sends a streamed request body on a connection, no faster than the peer takes it. Loop thread only; its task prefers
/// that loop.
final class RequestUpload {
    /// Bytes waiting to be sent above which the source is not asked for more.
    private static let pendingBytes = 64 * 1024

    private let source: any HTTPByteSource
    private let framing: RequestHead.Framing
    private let stream: TCPStream
    private let call: HTTPCall
    private var task: Task<Void, Never>?
    private var drained: UnsafeContinuation<Void, Never>?
    private var sent = 0
    private var isStopped = false
    /// The whole body has been handed to the connection.
    private(set) var isComplete = false

    init(_ source: any HTTPByteSource, framing: RequestHead.Framing, stream: TCPStream, call: HTTPCall) {
        self.source = source
        self.framing = framing
        self.stream = stream
        self.call = call
    }

    func start() {
        stream.onDrain = { [self] in
            call.clock.recordActivity(at: stream.loop.nowMilliseconds)
            drained?.resume()
            drained = nil
        }
        let upload = LoopBound(self, on: stream.loop)
        task = Task(executorPreference: stream.loop) { await upload.value.run() }
    }

    /// Sends nothing more. The source is told only when it is not at its end.
    func stop() {
        guard !isStopped else { return }
        isStopped = true
        stream.onDrain = nil
        drained?.resume()
        drained = nil
        if !isComplete {
            task?.cancel()
            source.cancel()
        }
    }

    private func run() async {
        do {
            while !isStopped, let chunk = try await source.next() {
                guard !isStopped else { return }
                guard send(chunk) else { return fail("the body is longer than announced") }
                if stream.pendingWriteBytes > Self.pendingBytes {
                    await withUnsafeContinuation { drained = $0 }
                }
            }
            guard !isStopped else { return }
            finish()
        } catch {
            if !isStopped { fail("\(error)") }
        }
    }

    private func send(_ chunk: [UInt8]) -> Bool {
        guard !chunk.isEmpty else { return true }
        call.clock.recordActivity(at: stream.loop.nowMilliseconds)
        sent += chunk.count
        switch framing {
        case .length(let length):
            guard sent <= length else { return false }
            stream.write(chunk)
        case .chunked, .none:
            var framed = Array("\(String(chunk.count, radix: 16))\r\n".utf8)
            framed.reserveCapacity(framed.count + chunk.count + 2)
            framed.append(contentsOf: chunk)
            framed.append(contentsOf: [0x0d, 0x0a])
            stream.write(framed)
        }
        return true
    }

    private func finish() {
        if case .length(let length) = framing {
            guard sent == length else { return fail("the body is shorter than announced") }
        } else {
            stream.write(Array("0\r\n\r\n".utf8))
        }
        isComplete = true
    }

    private func fail(_ detail: String) {
        call.fail(.requestBody, detail)
    }
}
