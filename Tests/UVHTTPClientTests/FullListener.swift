import Foundation
import TestSupport

/// A listening socket that accepts nothing. With its queue full the kernel drops further attempts to connect; else
/// connections are made, and what is sent to them is never read.
final class FullListener {
    let port: UInt16
    private var descriptors: [Int32] = []

    init(backlog: Int32 = 0, fillers: Int = 3) throws {
        port = try Ports.free()
        let listener = Self.open()
        descriptors.append(listener)
        guard Self.with(port, { bind(listener, $0, $1) }) == 0, listen(listener, backlog) == 0 else {
            throw TimedOut("cannot listen on \(port)")
        }
        for _ in 0..<fillers {
            let filler = Self.open()
            descriptors.append(filler)
            _ = fcntl(filler, F_SETFL, O_NONBLOCK)
            _ = Self.with(port) { connect(filler, $0, $1) }
        }
    }

    func close() {
        for descriptor in descriptors { Foundation.close(descriptor) }
        descriptors = []
    }

    private static func open() -> Int32 {
        socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    }

    private static func with(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
