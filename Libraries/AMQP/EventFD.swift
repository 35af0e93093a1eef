import CRabbitMQ
import Foundation

/// Wakes a thread that waits in `poll`, from any other thread.
final class EventFD: Sendable {
    let descriptor: Int32

    init() {
        descriptor = switchyard_eventfd()
        precondition(descriptor >= 0, "eventfd: out of file descriptors")
    }

    deinit { close(descriptor) }

    func wake() {
        var one: UInt64 = 1
        // EAGAIN would mean that the counter is full: a wake-up is pending anyway.
        _ = write(descriptor, &one, 8)
    }

    /// Clears pending wake-ups; to be called before processing their causes.
    func clear() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}

/// What a thread waits for on a socket.
struct SocketReadiness: OptionSet {
    let rawValue: Int16
    static let readable = SocketReadiness(rawValue: Int16(POLLIN))
    static let writable = SocketReadiness(rawValue: Int16(POLLOUT))
}

extension EventFD {
    /// Waits for the socket (when there is one), a wake-up, or the time.
    ///
    /// - Parameter milliseconds: 0 polls without waiting.
    /// - Returns: what the socket is ready for; an error or hang-up counts as readable, so that reading reports it.
    func wait(socket: Int32?, for interest: SocketReadiness, milliseconds: Int) -> SocketReadiness {
        var entries = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        if let socket { entries.append(pollfd(fd: socket, events: interest.rawValue, revents: 0)) }
        let count = poll(&entries, nfds_t(entries.count), Int32(clamping: max(0, milliseconds)))
        guard count > 0 else { return [] }
        if entries[0].revents != 0 { clear() }
        guard entries.count == 2 else { return [] }
        let happened = entries[1].revents
        if happened & Int16(POLLERR | POLLHUP | POLLNVAL) != 0 { return [.readable, .writable] }
        return SocketReadiness(rawValue: happened).intersection([.readable, .writable])
    }

    /// Whether the socket takes more, or reports an error when it is written to. Does not wait, and leaves wake-ups
    /// alone.
    static func isWritable(_ socket: Int32) -> Bool {
        var entry = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        return poll(&entry, 1, 0) > 0
    }
}
