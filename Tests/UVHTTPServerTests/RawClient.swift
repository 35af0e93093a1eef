import Foundation
import HTTPCore
import TestSupport

/// A blocking client that sends exactly the bytes it is told to, and sees exactly what comes back.
final class RawClient {
    struct ReceivedResponse {
        var status: Int
        var headers: HTTPHeaders
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    struct Failure: Error {
        let what: String
    }

    private let descriptor: Int32
    private var received: [UInt8] = []
    private(set) var isAtEnd = false

    init(port: UInt16, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(what: "socket") }
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw Failure(what: "connect: \(errno)") }
    }

    deinit {
        close(descriptor)
    }

    /// Sends what the peer takes; a peer that closed takes nothing.
    func send(_ text: String) {
        send(Array(text.utf8))
    }

    /// - Returns: false when the peer did not take all of it.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    func endInput() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes the connection both ways without closing the descriptor.
    func hangUp() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Waits for bytes.
    ///
    /// - Returns: false when the connection ended, or nothing came in time.
    @discardableResult
    func receive(within seconds: Double = 10) async -> Bool {
        let descriptor = descriptor
        // On a thread of its own: the tests' pool has few, and whoever is to send something may need one.
        let bytes = try? await onThread { () -> [UInt8]? in
            var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard Foundation.poll(&poll, 1, Int32(seconds * 1000)) == 1 else { return nil }
            var buffer = [UInt8](repeating: 0, count: 65536)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            return count > 0 ? Array(buffer[..<count]) : []
        }
        guard let bytes else { return false }
        isAtEnd = bytes.isEmpty
        received.append(contentsOf: bytes)
        return !isAtEnd
    }

    /// Reads the next whole response.
    ///
    /// - Parameter toHead: the request was `HEAD`.
    func response(toHead: Bool = false, within seconds: Double = 10) async throws -> ReceivedResponse {
        let parser = HTTPParser(.response)
        let recorder = Recorder()
        recorder.expectation = toHead ? .none : .asFramed
        parser.delegate = recorder
        while true {
            let bytes = received
            received = []
            switch bytes.withUnsafeBufferPointer({ parser.consume($0) }) {
            case .needsMore:
                if !(await receive(within: seconds)) {
                    guard isAtEnd, parser.finish() == nil, recorder.completed == 1 else {
                        throw Failure(what: isAtEnd ? "closed within a response" : "no response in time")
                    }
                    return try made(recorder)
                }
            case .completed(let consumed), .upgraded(let consumed):
                received = Array(bytes[consumed...])
                return try made(recorder)
            case .failed(let error):
                throw Failure(what: "\(error): \(String(decoding: bytes, as: UTF8.self))")
            }
        }
    }

    private func made(_ recorder: Recorder) throws -> ReceivedResponse {
        guard let head = recorder.heads.first else { throw Failure(what: "no head") }
        return ReceivedResponse(status: head.status.code, headers: head.headers, body: recorder.body)
    }

    /// What was received and not taken as a response.
    var rest: String { String(decoding: received, as: UTF8.self) }

    /// Reads until the peer closes.
    ///
    /// - Returns: false when it does not in time.
    func untilEnd(within seconds: Double = 10) async -> Bool {
        while await receive(within: seconds) {}
        return isAtEnd
    }
}
