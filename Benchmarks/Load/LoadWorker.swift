import Foundation
import UVLoop

/// Nanoseconds on the monotonic clock.
func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// The part of the load that one loop makes: its connections, each with one request in flight.
///
/// `@unchecked Sendable`: confined to its loop's thread.
final class LoadWorker: @unchecked Sendable {
    /// What is counted, in nanoseconds of the monotonic clock.
    struct Window: Sendable {
        var start: UInt64
        var end: UInt64
    }

    private static let reconnectPause: Duration = .milliseconds(20)
    /// How long pending responses may take after the end.
    private static let drainTimeout: Duration = .seconds(5)

    let loop: EventLoop
    let address: SocketAddress
    let window: Window
    let expected: Int
    /// Nanoseconds between two requests of a connection; 0 to send as soon as the last response has arrived.
    private let pace: UInt64
    private let requests: [[UInt8]]
    private let stride: Int
    private var next: Int
    private var tally = Tally()
    private var open: [LoadConnection] = []
    private var inFlight = 0
    private var completion: ((Tally) -> Void)?

    /// - Parameters:
    ///   - first: the index of the first request.
    ///   - stride: lanes divide the requests among them, so that none is in flight twice.
    init(
        loop: EventLoop, address: SocketAddress, requests: [[UInt8]], first: Int, stride: Int, window: Window,
        expected: Int, pace: UInt64
    ) {
        self.loop = loop
        self.address = address
        self.requests = requests
        self.stride = stride
        self.window = window
        self.expected = expected
        self.pace = pace
        next = first % requests.count
        tally.latencies.reserveCapacity(1 << 20)
    }

    /// Opens the connections, and calls back after the window's end. Loop thread only.
    func start(connections: Int, completion: @escaping (Tally) -> Void) {
        self.completion = completion
        let now = nanoseconds()
        for index in 0..<connections { connect(due: now + pace * UInt64(index) / UInt64(connections)) }
        let left = Duration.nanoseconds(Int64(window.end > now ? window.end - now : 0))
        loop.schedule(after: left + Self.drainTimeout) { self.finish() }
        loop.schedule(after: left + .milliseconds(1)) { self.finishWhenQuiet() }
    }

    private var isOver: Bool { nanoseconds() >= window.end }

    /// - Parameter due: when its first request is to be sent.
    private func connect(due: UInt64) {
        TCPStream.connect(to: address, on: loop, timeout: .seconds(5)) { [self] result in
            switch result {
            case .success(let stream):
                let connection = LoadConnection(stream: stream, lane: self, due: due)
                open.append(connection)
                sendWhenDue(connection)
            case .failure: failed()
            }
        }
    }

    private func failed() {
        guard !isOver else { return }
        tally.failures += 1
        loop.schedule(after: Self.reconnectPause) { self.connect(due: nanoseconds()) }
    }

    /// A request that is late because of the previous response counts from when it was due; a timer's own lateness does
    /// not count.
    private func sendWhenDue(_ connection: LoadConnection) {
        guard pace > 0 else { return send(on: connection, since: nanoseconds()) }
        let (now, due) = (nanoseconds(), connection.due)
        connection.due += pace
        guard due > now else { return send(on: connection, since: due) }
        loop.schedule(after: .nanoseconds(Int64(due - now))) { [weak self, weak connection] in
            if let connection { self?.send(on: connection, since: nanoseconds()) }
        }
    }

    private func send(on connection: LoadConnection, since start: UInt64) {
        guard !isOver, connection.isOpen else { return }
        let request = requests[next]
        next += stride
        if next >= requests.count { next -= requests.count }
        inFlight += 1
        connection.send(request, since: start)
    }

    // MARK: - From the connections

    func responseArrived(_ connection: LoadConnection, status: Int, start: UInt64, end: UInt64) {
        inFlight -= 1
        tally.total += 1
        tally.statuses[status, default: 0] += 1
        if status != expected { tally.unexpected += 1 }
        if end >= window.start, end < window.end { tally.record(nanoseconds: end - start) }
        if end < window.end { return sendWhenDue(connection) }
        finishWhenQuiet()
    }

    func lost(_ connection: LoadConnection, wasWaiting: Bool) {
        open.removeAll { $0 === connection }
        if wasWaiting { inFlight -= 1 }
        failed()
    }

    // MARK: - The end

    private func finishWhenQuiet() {
        if inFlight == 0, isOver { finish() }
    }

    private func finish() {
        guard let completion else { return }
        self.completion = nil
        tally.failures += inFlight
        for connection in open { connection.close() }
        open = []
        completion(tally)
    }
}

/// One keep-alive connection with at most one request in flight.
///
/// `@unchecked Sendable`: confined to its loop's thread.
final class LoadConnection: @unchecked Sendable {
    private let stream: TCPStream
    private unowned let lane: LoadWorker
    private var reader = ResponseReader()
    private var start: UInt64 = 0
    private var isWaiting = false
    private(set) var isOpen = true
    /// When its next request is to be sent, where there is a pace.
    var due: UInt64

    init(stream: TCPStream, lane: LoadWorker, due: UInt64) {
        self.due = due
        self.stream = stream
        self.lane = lane
        stream.onRead = { [unowned self] in take($0) }
        stream.onEnd = { [unowned self] _ in fail() }
        stream.startReading()
    }

    /// - Parameter start: when its latency starts to count.
    func send(_ request: [UInt8], since start: UInt64) {
        isWaiting = true
        self.start = start
        stream.write(request)
    }

    func close() {
        isOpen = false
        stream.close()
    }

    private func take(_ bytes: UnsafeBufferPointer<UInt8>) {
        switch reader.take(bytes) {
        case .incomplete: return
        case .malformed: fail()
        case .complete(let status):
            guard isWaiting else { return fail() }
            isWaiting = false
            lane.responseArrived(self, status: status, start: start, end: nanoseconds())
        }
    }

    private func fail() {
        close()
        lane.lost(self, wasWaiting: isWaiting)
    }
}
