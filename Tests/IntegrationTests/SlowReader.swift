import Foundation
import TestSupport

/// A client that sends a request and then reads only on demand.
///
/// `@unchecked Sendable`: used by one task at a time.
final class SlowReader: @unchecked Sendable {
    private let descriptor: Int32
    private(set) var text = ""

    /// Sends a request and reads nothing yet.
    init(port: UInt16, path: String, bearer: String) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var small: Int32 = 4096
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &small, socklen_t(MemoryLayout<Int32>.size))
        guard LoopbackAddress.with(port, { connect(descriptor, $0, $1) }) == 0 else {
            throw TimedOut("no connection to \(port)")
        }
        let request = Array(
            "GET \(path) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(bearer)\r\nConnection: close\r\n\r\n"
                .utf8)
        guard Foundation.send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw TimedOut("the request was not taken")
        }
    }

    /// Reads until a text has come.
    ///
    /// - Returns: false when the connection ended before.
    func read(until wanted: String) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !text.contains(wanted) {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return false }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        return true
    }

    /// The status, once the head has come.
    func status() -> Int? {
        _ = read(until: "\r\n\r\n")
        return text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }

    /// Counts how often a text comes until it has come so often.
    func count(of wanted: String, upTo limit: Int) -> Int {
        var (found, rest) = (text.components(separatedBy: wanted).count - 1, "")
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while found < limit {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return found }
            rest += String(decoding: buffer[..<count], as: UTF8.self)
            let parts = rest.components(separatedBy: wanted)
            found += parts.count - 1
            rest = String(parts[parts.count - 1].suffix(wanted.count))
        }
        return found
    }

    func close() { Foundation.close(descriptor) }
}
