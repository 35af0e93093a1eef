import CEpoll
import Foundation

/// Many viewers of one contender on one thread: counts what they get by the markers, and records the latency of each.
///
/// All memory is allocated beforehand; nothing is allocated per event.
final class Viewers {
    private struct Viewer {
        var descriptor: Int32
        /// Digits of a marker that are still to come.
        var digitsLeft: Int32 = 0
        var number = 0
        /// The number that comes next.
        var expected = 0
        var isReady = false
        let isSlow: Bool
    }

    private static let maxEvents = 10_000_000 - 1
    private static let readBytes = 1 << 18
    private static let waitMilliseconds: Int32 = 20

    private let options: WatchOptions
    private let poll = epoll_create1(0)
    private let connections: UnsafeMutableBufferPointer<Viewer>
    private let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: readBytes)
    private let polled = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: 1024)
    /// When each event was published.
    private let published = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: maxEvents)
    private var latencies: UnsafeMutableBufferPointer<UInt32>
    private var latencyCount = 0
    private var readyCount = 0
    private var nextEvent = 0
    /// Deliveries that have not come yet.
    private var outstanding = 0
    private var lost = 0
    private var doubled = 0
    private var lastDelivery: UInt64 = 0

    init(_ options: WatchOptions) throws {
        self.options = options
        connections = .allocate(capacity: options.viewers)
        latencies = .allocate(capacity: 0)
        for index in 0..<options.viewers {
            let isSlow = index < options.slow
            connections.initializeElement(
                at: index, to: Viewer(descriptor: try Wire.connect(port: options.port, isSlow: isSlow), isSlow: isSlow))
            let descriptor = connections[index].descriptor
            try Wire.send(greeting, to: descriptor)
            try Wire.makeNonBlocking(descriptor)
            var event = epoll_event()
            event.events = EPOLLIN.rawValue
            event.data.u64 = UInt64(index)
            guard epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) == 0 else { throw WatchFailure.call("epoll_ctl") }
            // Not more at once than a listener's backlog holds.
            if index % 64 == 0 { try readOnce(waiting: 0) }
        }
        let deadline = nanoseconds() + 60_000_000_000
        while readyCount < options.viewers {
            guard nanoseconds() < deadline else {
                throw WatchFailure("only \(readyCount) of \(options.viewers) viewers were let in")
            }
            try readOnce(waiting: Self.waitMilliseconds)
        }
    }

    private var greeting: String {
        switch options.mode {
        case .nats: return "CONNECT {\"verbose\":false}\r\nSUB \(NATSSource.subject) 1\r\nPING\r\n"
        default:
            let authorization = options.token.isEmpty ? "" : "Authorization: Bearer \(options.token)\r\n"
            let kind =
                options.mode.isWebSocket
                ? "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" : "Accept: text/event-stream\r\n"
            return "GET \(options.path) HTTP/1.1\r\nHost: bench\r\n\(authorization)\(kind)\r\n"
        }
    }

    // MARK: - Reading

    private func readOnce(waiting milliseconds: Int32) throws {
        let count = epoll_wait(poll, polled.baseAddress, Int32(polled.count), milliseconds)
        guard count >= 0 || errno == EINTR else { throw WatchFailure.call("epoll_wait") }
        for index in 0..<max(0, Int(count)) { try read(Int(polled[index].data.u64)) }
    }

    private func read(_ index: Int) throws {
        let count = recv(connections[index].descriptor, buffer.baseAddress, buffer.count, 0)
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0 else { throw WatchFailure("a viewer was cut off: \(String(cString: strerror(errno)))") }
        let bytes = UnsafeBufferPointer(rebasing: buffer[..<count])
        if !connections[index].isReady { try checkHandshake(index, bytes) }
        if !connections[index].isSlow { scan(index, bytes) }
    }

    /// Checks in the first bytes whether the server has accepted the viewer.
    private func checkHandshake(_ index: Int, _ bytes: UnsafeBufferPointer<UInt8>) throws {
        let text = String(decoding: bytes.prefix(4096), as: UTF8.self)
        if options.mode == .nats {
            guard text.contains("PONG\r\n") else { return }
        } else {
            guard text.hasPrefix(options.mode.isWebSocket ? "HTTP/1.1 101" : "HTTP/1.1 200") else {
                throw WatchFailure("a viewer was not let in: \(text)")
            }
        }
        connections[index].isReady = true
        connections[index].expected = nextEvent
        readyCount += 1
        if connections[index].isSlow { epoll_ctl(poll, EPOLL_CTL_DEL, connections[index].descriptor, nil) }
    }

    private func scan(_ index: Int, _ bytes: UnsafeBufferPointer<UInt8>) {
        let (start, now) = (bytes.baseAddress!, nanoseconds())
        let viewer = connections.baseAddress! + index
        var at = 0
        while at < bytes.count {
            if viewer.pointee.digitsLeft == 0 {
                guard let sign = memchr(start + at, Int32(Marker.sign), bytes.count - at) else { return }
                at = UnsafeRawPointer(sign) - UnsafeRawPointer(start) + 1
                viewer.pointee.digitsLeft = Int32(Marker.digits)
                viewer.pointee.number = 0
            }
            while viewer.pointee.digitsLeft > 0, at < bytes.count {
                viewer.pointee.number = viewer.pointee.number * 10 + Int(start[at] &- 48)
                viewer.pointee.digitsLeft -= 1
                at += 1
            }
            if viewer.pointee.digitsLeft == 0 { delivered(viewer, now) }
        }
    }

    private func delivered(_ viewer: UnsafeMutablePointer<Viewer>, _ now: UInt64) {
        let number = viewer.pointee.number
        guard number >= viewer.pointee.expected, number < nextEvent else {
            doubled += 1
            return
        }
        lost += number - viewer.pointee.expected
        outstanding -= number - viewer.pointee.expected + 1
        viewer.pointee.expected = number + 1
        lastDelivery = now
        guard latencyCount < latencies.count else { return }
        latencies[latencyCount] = UInt32(clamping: (now - published[number]) / 1000)
        latencyCount += 1
    }

    // MARK: - Bursts

    /// Publishes and waits until every viewer that reads has everything, or nothing has come for a while.
    ///
    /// - Parameters:
    ///   - gap: nanoseconds between two events; 0 to publish them together.
    ///   - repeats: bursts, each when the one before has arrived.
    /// - Returns: a JSON object; times in milliseconds.
    func burst(_ events: Int, gap: UInt64, repeats: Int, from source: any EventSource) throws -> String {
        let readers = options.viewers - options.slow
        latencies.deallocate()
        latencies = .allocate(capacity: events * readers * repeats)
        (latencyCount, lost, doubled) = (0, 0, 0)
        var (elapsed, lasts) = (UInt64(0), [UInt64]())
        for _ in 0..<repeats {
            guard nextEvent + events <= Self.maxEvents else { throw WatchFailure("too many events") }
            let began = nanoseconds()
            try deliver(events, gap, readers, source)
            elapsed += lastDelivery - began
            lasts.append(lastDelivery - published[nextEvent - 1])
        }
        let sorted = latencies[..<latencyCount].sorted()
        func percentile(_ share: Double) -> Double {
            sorted.isEmpty ? 0 : Double(sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]) / 1000
        }
        let last = Double(lasts.sorted()[lasts.count / 2]) / 1e6
        return """
            {"deliveries":\(latencyCount),"seconds":\(Double(elapsed) / 1e9),"p50":\(percentile(0.5)),\
            "p99":\(percentile(0.99)),"max":\(percentile(1)),"last":\(last),"lost":\(lost),"doubled":\(doubled)}
            """
    }

    private func deliver(_ events: Int, _ gap: UInt64, _ readers: Int, _ source: any EventSource) throws {
        let quiet: UInt64 = 10_000_000_000
        var due = nanoseconds()
        let end = nextEvent + events
        lastDelivery = due
        while nextEvent < end || outstanding > 0 {
            let now = nanoseconds()
            if nextEvent < end, now >= due {
                let next = gap == 0 ? end : nextEvent + 1
                for number in nextEvent..<next { published[number] = now }
                let numbers = nextEvent..<next
                nextEvent = next
                outstanding += numbers.count * readers
                try source.publish(numbers)
                due += gap
            }
            guard now < max(lastDelivery, due) + quiet else {
                lost += outstanding
                outstanding = 0
                return
            }
            let waiting = nextEvent < end ? Int32(clamping: (max(due, now) - now) / 1_000_000) : Self.waitMilliseconds
            try readOnce(waiting: min(waiting, Self.waitMilliseconds))
        }
    }
}
