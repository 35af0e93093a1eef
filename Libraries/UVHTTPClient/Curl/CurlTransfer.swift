import CCurl
import Foundation
import HTTPCore
import UVLoop

/// One call on one of libcurl's easy handles. Loop thread only.
///
/// The engine keeps it from `start` to `end`, so that libcurl's callbacks, which hold it unretained, always find it.
final class CurlTransfer {
    let call: HTTPCall
    let engine: CurlEngine
    let easy: UnsafeMutableRawPointer
    /// What the addresses must be among; empty for a unix socket.
    let addresses: [SocketAddress]
    let hostKey: String
    /// Lists that libcurl reads while the transfer runs.
    var lists: [UnsafeMutablePointer<curl_slist>] = []
    let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    var upload: CurlUpload?
    var parser = CurlHeadParser()
    /// libcurl has begun to connect; until then it keeps the transfer waiting for a place among the connections.
    var opensConnection = false
    /// An address that libcurl wanted to connect to was refused.
    var sawUnsafeAddress = false
    private var isConnected = false
    private var isReadingPaused = false
    private var hasEnded = false
    private var timer: LoopTimer?
    private var armedFor: UInt64 = .max

    /// - Returns: `nil` for lack of memory.
    init?(call: HTTPCall, engine: CurlEngine, addresses: [SocketAddress]) {
        guard let easy = curl_easy_init() else { return nil }
        self.call = call
        self.engine = engine
        self.easy = easy
        self.addresses = addresses
        let url = call.request.url
        hostKey = call.request.unixSocketPath ?? "\(url.scheme.rawValue)://\(url.authority)"
        errorText.pointee = 0
        timer = call.loop.makeTimer { [weak self] in self?.timerFired() }
    }

    deinit {
        curl_easy_cleanup(easy)
        for list in lists { curl_slist_free_all(list) }
        errorText.deallocate()
    }

    func start() {
        call.transport = self
        rearm()
        engine.start(self)
        // The engine does not keep a transfer that it has no place for.
        if call.isFinished { end() } else { upload?.start() }
    }

    // MARK: - From libcurl

    /// A connection is there and the request goes out next.
    ///
    /// - Returns: false to stop: libcurl would send it again, and the caller does not want that.
    func aboutToSend() -> Bool {
        if isConnected {
            guard call.request.retriesStaleConnection else { return false }
            call.wasRetried = true
            // libcurl writes the head after this.
            setHeaders(of: call.request.sentAgain)
        }
        isConnected = true
        call.requestBytesWritten = true
        call.clock.recordActivity(at: call.loop.nowMilliseconds)
        rearm()
        return true
    }

    func received(headerLine line: UnsafeRawBufferPointer) -> Bool {
        guard !call.isFinished else { return false }
        call.clock.recordActivity(at: call.loop.nowMilliseconds)
        switch parser.consume(line, limits: call.shard.configuration) {
        case .more: break
        case .head(let head):
            engine.touch(self)
            call.received(head)
        case .tooLarge: call.fail(.tooLarge, "header block too large")
        case .malformed: call.fail(.malformed, "not a status line")
        }
        return !call.isFinished
    }

    /// - Returns: what libcurl's write callback returns.
    func received(body bytes: UnsafeRawBufferPointer) -> Int {
        guard !call.isFinished else { return 0 }
        if isReadingPaused { return switchyard_curl_write_pause }
        call.clock.recordActivity(at: call.loop.nowMilliseconds)
        engine.touch(self)
        call.received(body: bytes.bindMemory(to: UInt8.self))
        return call.isFinished ? 0 : bytes.count
    }

    func flush() {
        call.flush()
    }

    /// libcurl is done with the transfer.
    func finish(_ code: CURLcode) {
        guard !call.isFinished else { return }
        call.transport = nil
        if code == CURLE_OK, parser.isComplete { return call.complete() }
        let text = String(cString: errorText)
        call.fail(failureKind(code), text.isEmpty ? String(cString: curl_easy_strerror(code)) : text)
    }

    private func failureKind(_ code: CURLcode) -> HTTPClientError.Kind {
        if sawUnsafeAddress { return .unsafeAddress }
        var systemError = 0
        _ = switchyard_curl_info_long(easy, CURLINFO_OS_ERRNO, &systemError)
        return CurlFailure.kind(code, systemError: Int32(systemError), isConnected: isConnected)
    }

    /// The engine has forgotten the transfer.
    func end() {
        guard !hasEnded else { return }
        hasEnded = true
        timer?.close()
        timer = nil
        upload?.stop()
        upload = nil
    }

    /// Tells libcurl which directions stand still.
    func applyPauses() {
        guard !hasEnded else { return }
        var directions: Int32 = isReadingPaused ? CURLPAUSE_RECV : 0
        if upload?.isStarving == true { directions |= CURLPAUSE_SEND }
        engine.pause(self, directions)
    }

    private func timerFired() {
        armedFor = .max
        guard !call.isFinished else { return }
        if isConnected {
            call.checkDeadlines()
        } else if connectDeadline <= call.loop.nowMilliseconds {
            return call.failUnconnected(isWaiting: !opensConnection)
        }
        if !call.isFinished { rearm() }
    }

    private var connectDeadline: UInt64 { min(call.connectDeadline, call.clock.total) }
}

extension CurlTransfer: CallTransport {
    func abort() {
        engine.remove(self)
    }

    func setReading(_ reading: Bool) {
        isReadingPaused = !reading
        // Pausing takes effect at the next bytes: libcurl keeps what its callback does not take.
        if reading { applyPauses() }
    }

    func rearm() {
        let due = isConnected ? call.clock.next : connectDeadline
        guard due < armedFor else { return }
        let now = call.loop.nowMilliseconds
        armedFor = due
        timer?.start(after: .milliseconds(due > now ? due - now : 1))
    }
}
