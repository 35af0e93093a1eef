import CUV
import Foundation

/// A connection failed; the code is libuv's.
package struct TCPError: Error, Sendable, Equatable, CustomStringConvertible {
    /// libuv's negative error code.
    package let code: Int32

    /// libuv's text, for the log.
    package var description: String { String(cString: uv_strerror(code)) }
}

/// One TCP connection. Loop thread only.
package final class TCPStream {
    /// The loop that it belongs to.
    package let loop: EventLoop
    /// The peer's address, unless the peer was gone already.
    package let remoteAddress: SocketAddress?
    /// Bytes from the peer, valid during the call only.
    package var onRead: ((UnsafeBufferPointer<UInt8>) -> Void)?
    /// The peer's end of file (`nil`) or an error, at most once.
    package var onEnd: ((TCPError?) -> Void)?
    /// Everything that was written has gone to the system.
    package var onDrain: (() -> Void)?
    /// Bytes that the system has not taken yet.
    package private(set) var pendingWriteBytes = 0
    /// What was to be written so far.
    private var givenBytes = 0
    /// `close` has been called.
    package private(set) var isClosed = false

    private let handle: LoopHandle<uv_tcp_t>
    private var hasEnded = false

    /// The object that libuv's handle keeps; it does not keep the stream, so that a dropped stream closes itself.
    private final class Context {
        weak var stream: TCPStream?
    }

    private init(loop: EventLoop, handle: LoopHandle<uv_tcp_t>, context: Context, remoteAddress: SocketAddress?) {
        self.loop = loop
        self.handle = handle
        self.remoteAddress = remoteAddress
        context.stream = self
    }

    deinit {
        if !isClosed { handle.close(on: loop) }
    }

    // MARK: - Opening

    /// Accepts what waits on a listening handle, or `nil` when it is gone again.
    static func accept(from listener: UnsafeMutablePointer<uv_tcp_t>, on loop: EventLoop) -> TCPStream? {
        let context = Context()
        let handle = LoopHandle<uv_tcp_t>(context: context) { uv_tcp_init(loop.uvLoop, $0) }
        guard uv_accept(switchyard_uv_stream(listener), switchyard_uv_stream(handle.raw)) == 0 else {
            handle.close()
            return nil
        }
        uv_tcp_nodelay(handle.raw, 1)
        return TCPStream(loop: loop, handle: handle, context: context, remoteAddress: peer(of: handle.raw))
    }

    private static func peer(of tcp: UnsafeMutablePointer<uv_tcp_t>) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = Int32(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                uv_tcp_getpeername(tcp, address, &length) == 0 ? SocketAddress(address) : nil
            }
        }
    }

    /// Connects. Loop thread only.
    ///
    /// - Parameters:
    ///   - timeout: after it the attempt fails with `ETIMEDOUT`.
    ///   - completion: called once, on the loop, and never before this returns.
    package static func connect(
        to address: SocketAddress, on loop: EventLoop, timeout: Duration,
        completion: @escaping (Result<TCPStream, TCPError>) -> Void
    ) {
        let context = Context()
        let handle = LoopHandle<uv_tcp_t>(context: context) { uv_tcp_init(loop.uvLoop, $0) }
        let stream = TCPStream(loop: loop, handle: handle, context: context, remoteAddress: address)
        let attempt = ConnectAttempt(stream: stream, completion: completion)
        attempt.start(timeout: timeout)
    }

    /// A connect under way: libuv's request owns it until its callback.
    private final class ConnectAttempt {
        let request = UnsafeMutablePointer<uv_connect_t>.allocate(capacity: 1)
        let stream: TCPStream
        var completion: ((Result<TCPStream, TCPError>) -> Void)?
        var timer: LoopTimer?

        init(stream: TCPStream, completion: @escaping (Result<TCPStream, TCPError>) -> Void) {
            self.stream = stream
            self.completion = completion
        }

        deinit {
            request.deallocate()
        }

        func start(timeout: Duration) {
            request.pointee.data = Unmanaged.passRetained(self).toOpaque()
            let code = stream.remoteAddress!.withSockAddr { address, _ in
                uv_tcp_connect(request, stream.handle.raw, address) { request, status in
                    Unmanaged<ConnectAttempt>.fromOpaque(request!.pointee.data).takeRetainedValue().finish(status)
                }
            }
            guard code == 0 else {
                Unmanaged.passUnretained(self).release()
                return stream.loop.post { self.finish(code) }
            }
            timer = stream.loop.makeTimer { [weak self] in self?.finish(UV_ETIMEDOUT.rawValue) }
            timer?.start(after: timeout)
        }

        func finish(_ status: Int32) {
            timer?.close()
            timer = nil
            guard let completion else { return }
            self.completion = nil
            if status == 0 {
                uv_tcp_nodelay(stream.handle.raw, 1)
                completion(.success(stream))
            } else {
                stream.close()
                completion(.failure(TCPError(code: status)))
            }
        }
    }

    // MARK: - Reading

    /// Calls `onRead` with what comes.
    package func startReading() {
        guard !isClosed, !hasEnded else { return }
        uv_read_start(
            switchyard_uv_stream(handle.raw),
            { handle, _, buffer in
                let shared = EventLoop.at(handle?.pointee.loop.pointee.data).readBuffer
                UnsafeMutableRawPointer(shared.baseAddress!).withMemoryRebound(to: CChar.self, capacity: shared.count) {
                    buffer!.pointee = uv_buf_init($0, UInt32(shared.count))
                }
            },
            { handle, count, _ in TCPStream.at(handle?.pointee.data)?.received(count) })
    }

    /// Leaves what comes to the system, which slows the peer down in the end.
    package func stopReading() {
        if !isClosed { uv_read_stop(switchyard_uv_stream(handle.raw)) }
    }

    private static func at(_ context: UnsafeMutableRawPointer?) -> TCPStream? {
        guard let context else { return nil }
        return Unmanaged<Context>.fromOpaque(context).takeUnretainedValue().stream
    }

    private func received(_ count: Int) {
        if count > 0 {
            onRead?(UnsafeBufferPointer(rebasing: loop.readBuffer[..<count]))
        } else if count < 0 {
            uv_read_stop(switchyard_uv_stream(handle.raw))
            let isEndOfFile = count == Int(UV_EOF.rawValue)
            end(isEndOfFile ? nil : TCPError(code: Int32(count)))
        }
    }

    private func end(_ error: TCPError?) {
        guard !hasEnded, !isClosed else { return }
        hasEnded = true
        onEnd?(error)
    }

    // MARK: - Writing

    /// What the system has still to take. Unlike `pendingWriteBytes`, which counts a write until all of it is gone,
    /// this falls with every byte that the peer makes room for, so it tells a slow peer from one that reads nothing.
    package var unsentBytes: Int {
        isClosed ? 0 : uv_stream_get_write_queue_size(switchyard_uv_stream(handle.raw))
    }

    /// What the peer's system has taken so far. It rises as long as the peer reads, whatever is written meanwhile, and
    /// with every bit of it: ours takes more only when a third of its buffer is free. A system call.
    package var takenBytes: Int {
        isClosed ? givenBytes : givenBytes - unsentBytes - Int(switchyard_unacknowledged(handle.raw))
    }

    /// Writes in order. What the system does not take at once is kept; see `pendingWriteBytes` and `onDrain`.
    package func write(_ bytes: [UInt8]) {
        guard !isClosed, !bytes.isEmpty else { return }
        givenBytes += bytes.count
        var written = 0
        if pendingWriteBytes == 0 {
            written = bytes.withUnsafeBytes { raw in
                var buffer = uv_buf_t(
                    base: UnsafeMutablePointer(mutating: raw.bindMemory(to: CChar.self).baseAddress), len: raw.count)
                return Int(uv_try_write(switchyard_uv_stream(handle.raw), &buffer, 1))
            }
            if written == bytes.count { return }
            if written < 0, written != Int(UV_EAGAIN.rawValue) { return failLater(Int32(written)) }
            written = max(0, written)
        }
        queue(bytes, from: written)
    }

    private func queue(_ bytes: [UInt8], from start: Int) {
        let pending = PendingWrite(stream: self, bytes: bytes, from: start)
        pendingWriteBytes += pending.count
        let code = pending.start()
        if code != 0 {
            pendingWriteBytes -= pending.count
            failLater(code)
        }
    }

    /// An error while writing is told in a later round: the caller is in the middle of something.
    private func failLater(_ code: Int32) {
        loop.post { self.end(TCPError(code: code)) }
    }

    /// Bytes that libuv is writing: its request owns them until its callback.
    private final class PendingWrite {
        let request = UnsafeMutablePointer<uv_write_t>.allocate(capacity: 1)
        let stream: TCPStream
        let buffer: UnsafeMutableBufferPointer<CChar>
        var count: Int { buffer.count }

        init(stream: TCPStream, bytes: [UInt8], from start: Int) {
            self.stream = stream
            buffer = .allocate(capacity: bytes.count - start)
            bytes.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(from: .init(rebasing: source[start...]))
            }
        }

        deinit {
            request.deallocate()
            buffer.deallocate()
        }

        func start() -> Int32 {
            request.pointee.data = Unmanaged.passRetained(self).toOpaque()
            var data = uv_buf_t(base: buffer.baseAddress, len: buffer.count)
            let code = uv_write(request, switchyard_uv_stream(stream.handle.raw), &data, 1) { request, status in
                let write = Unmanaged<PendingWrite>.fromOpaque(request!.pointee.data).takeRetainedValue()
                write.stream.finished(write, status)
            }
            if code != 0 { Unmanaged.passUnretained(self).release() }
            return code
        }
    }

    private func finished(_ write: PendingWrite, _ status: Int32) {
        pendingWriteBytes -= write.count
        guard !isClosed else { return }
        if status < 0 { return end(TCPError(code: status)) }
        if pendingWriteBytes == 0 { onDrain?() }
    }

    // MARK: - Closing

    /// Tells the peer that no more bytes will come; reading goes on. What was written before still goes out.
    package func shutdownWrite() {
        guard !isClosed else { return }
        let request = UnsafeMutablePointer<uv_shutdown_t>.allocate(capacity: 1)
        let code = uv_shutdown(request, switchyard_uv_stream(handle.raw)) { request, _ in request?.deallocate() }
        if code != 0 { request.deallocate() }
    }

    /// Closes at once; no callback is called afterwards. Idempotent.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        onRead = nil
        onEnd = nil
        onDrain = nil
        handle.close()
    }
}
