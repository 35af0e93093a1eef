import Foundation
import TestSupport

/// What the kernel says of a process' memory, in bytes.
enum ProcessMemory {
    static func resident(_ process: ServiceProcess) throws -> Int { try field("VmRSS", of: process) }

    /// The most that was ever resident.
    static func peak(_ process: ServiceProcess) throws -> Int { try field("VmHWM", of: process) }

    /// Hundredths of a second of processor time that it has used.
    static func processorTicks(_ process: ServiceProcess) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process.processID)/stat", encoding: .utf8)
        // Behind the name in brackets: state and eleven numbers, then those of the user's and the system's time.
        let fields = status.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else {
            throw TimedOut("no processor time of \(process.name)")
        }
        return user + system
    }

    private static func field(_ name: String, of process: ServiceProcess) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process.processID)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("\(name):") }
        guard let kilobytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) }) else {
            throw TimedOut("no \(name) of \(process.name)")
        }
        return kilobytes * 1024
    }
}

/// A client of a stream that reads only on demand.
///
/// `@unchecked Sendable`: used by one task at a time.
final class StreamReader: @unchecked Sendable {
    private let descriptor: Int32

    /// Sends `message/stream` and reads nothing yet.
    init(port: UInt16, workspace: String) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard LoopbackAddress.with(port, { connect(descriptor, $0, $1) }) == 0 else {
            throw TimedOut("no connection to \(port)")
        }
        let body = #"{"jsonrpc":"2.0","id":1,"method":"message/stream","params":{"message":{"parts":[]}}}"#
        let request = Array(
            """
            POST /workspaces/\(workspace)/a2a HTTP/1.1\r
            Host: localhost\r
            Authorization: Bearer \(Platform.adminToken)\r
            Content-Type: application/json\r
            Content-Length: \(body.utf8.count)\r
            \r
            \(body)
            """.utf8)
        guard Foundation.send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw TimedOut("the request was not taken")
        }
    }

    /// What is there, without waiting for it.
    func readSome() -> String {
        var buffer = [UInt8](repeating: 0, count: 2048)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
    }

    /// Reads that many bytes.
    ///
    /// - Returns: fewer when the stream ended.
    func read(_ wanted: Int) -> Int {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var read = 0
        while read < wanted {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            read += count
        }
        return read
    }

    func close() { Foundation.close(descriptor) }
}
