import Foundation
import Synchronization

/// A name server on a port of loopback, by UDP: what it says about each name is the test's choice.
package final class DNSServer: Sendable {
    /// What it says about a name.
    package enum Response: Sendable {
        /// These addresses, of either family, with a time to live in seconds.
        case addresses([String], timeToLive: UInt32 = 60)
        /// There is no such name.
        case unknown
        /// The server has failed.
        case failure
        /// Nothing.
        case silence
        /// Nothing before `release`, and these addresses then.
        case held([String])
    }

    private struct State {
        var asked: [String] = []
        var held: [(DNSQuestion, [String], sockaddr_in)] = []
        var isReleased = false
    }

    private static let responseCodes = (success: UInt8(0), failure: UInt8(2), unknown: UInt8(3))

    /// Where it listens, on 127.0.0.1.
    package let port: UInt16
    private let descriptor: Int32
    private let isStopped = Atomic<Bool>(false)
    private let state = Mutex(State())
    private let respond: @Sendable (String) -> Response

    /// Starts a server.
    /// - Parameter respond: asked for each question, on the server's thread; names come in lower case.
    package init(_ respond: @escaping @Sendable (_ name: String) -> Response) throws {
        port = try Ports.free()
        self.respond = respond
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var size: Int32 = 4 << 20
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        let descriptor = descriptor
        guard descriptor >= 0, PlainSocket.withLoopback(port, { bind(descriptor, $0, $1) }) == 0 else {
            throw TimedOut("cannot listen on port \(port)")
        }
        let thread = Thread { self.run() }
        thread.name = "test-dns"
        thread.start()
    }

    /// The names that were asked for, once for each family and attempt.
    package var asked: [String] { state.withLock { $0.asked } }

    /// How often a name was asked for: once for each family and attempt.
    package func questions(about name: String) -> Int { asked.count { $0 == name } }

    /// Questions that are held.
    package var heldCount: Int { state.withLock { $0.held.count } }

    /// Responds to all that is held, and from now on at once.
    package func release() {
        let held = state.withLock { state in
            state.isReleased = true
            defer { state.held = [] }
            return state.held
        }
        for (question, addresses, peer) in held { send(question.response(addresses, timeToLive: 60), to: peer) }
    }

    /// Ends the server.
    package func stop() {
        isStopped.store(true, ordering: .releasing)
        // Wakes the thread.
        _ = PlainSocket.withLoopback(port) { Int32(sendto(descriptor, [UInt8](), 0, 0, $0, $1)) }
    }

    private func run() {
        var buffer = [UInt8](repeating: 0, count: 1500)
        while true {
            var peer = sockaddr_in()
            let count = withUnsafeMutablePointer(to: &peer) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
                    return recvfrom(descriptor, &buffer, buffer.count, 0, address, &length)
                }
            }
            if isStopped.load(ordering: .acquiring) { break }
            if count > 0, let question = DNSQuestion(Array(buffer[..<count])) { answer(question, peer) }
        }
        close(descriptor)
    }

    private func answer(_ question: DNSQuestion, _ peer: sockaddr_in) {
        state.withLock { $0.asked.append(question.name) }
        switch respond(question.name) {
        case .addresses(let list, let time): send(question.response(list, timeToLive: time), to: peer)
        case .unknown: send(question.response(code: Self.responseCodes.unknown), to: peer)
        case .failure: send(question.response(code: Self.responseCodes.failure), to: peer)
        case .silence: break
        case .held(let list):
            let isHeld = state.withLock { state in
                if !state.isReleased { state.held.append((question, list, peer)) }
                return !state.isReleased
            }
            if !isHeld { send(question.response(list, timeToLive: 60), to: peer) }
        }
    }

    private func send(_ bytes: [UInt8], to peer: sockaddr_in) {
        withUnsafePointer(to: peer) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}

/// The one question of a DNS message (RFC 1035, 4.1).
private struct DNSQuestion {
    private static let headerLength = 12
    private static let kinds = (a: UInt16(1), aaaa: UInt16(28))

    let name: String
    private let kind: UInt16
    /// Header and question, without further sections.
    private let bytes: [UInt8]

    init?(_ message: [UInt8]) {
        var position = Self.headerLength
        var labels: [String] = []
        while position < message.count, message[position] != 0 {
            let end = position + 1 + Int(message[position])
            guard end <= message.count else { return nil }
            labels.append(String(decoding: message[(position + 1)..<end], as: UTF8.self).lowercased())
            position = end
        }
        guard position + 5 <= message.count else { return nil }
        name = labels.joined(separator: ".")
        kind = UInt16(message[position + 1]) << 8 | UInt16(message[position + 2])
        bytes = Array(message[..<(position + 5)])
    }

    /// A response without a record.
    func response(code: UInt8) -> [UInt8] { response(code: code, records: []) }

    /// Those of the addresses that are of the question's family.
    func response(_ addresses: [String], timeToLive: UInt32) -> [UInt8] {
        let family = kind == Self.kinds.a ? AF_INET : kind == Self.kinds.aaaa ? AF_INET6 : AF_UNSPEC
        let records = addresses.compactMap { text -> [UInt8]? in
            var address = [UInt8](repeating: 0, count: family == AF_INET ? 4 : 16)
            guard inet_pton(family, text, &address) == 1 else { return nil }
            // A pointer to the question's name, the kind, the class IN, the time to live, the length.
            return [0xC0, UInt8(Self.headerLength), UInt8(kind >> 8), UInt8(kind & 0xFF), 0, 1]
                + (0..<4).map { UInt8(truncatingIfNeeded: timeToLive >> (24 - 8 * $0)) }
                + [0, UInt8(address.count)] + address
        }
        return response(code: 0, records: records)
    }

    private func response(code: UInt8, records: [[UInt8]]) -> [UInt8] {
        var message = bytes
        message[2] = 0x81  // a response, recursion desired
        message[3] = 0x80 | code  // recursion available
        message[6...11] = [0, UInt8(records.count), 0, 0, 0, 0]
        return message + records.joined()
    }
}
