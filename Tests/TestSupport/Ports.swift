import Foundation
import Synchronization

/// Picks TCP ports on loopback that nothing listens on.
///
/// They lie below the range from which the kernel takes ports for outgoing connections, so that a server that is
/// stopped and started again finds its port free.
package enum Ports {
    private static let handedOut = Mutex<Set<UInt16>>([])
    /// `TEST_PORTS`, "first-last": those of this process, where several run tests side by side.
    private static let range: ClosedRange<UInt16> = {
        let ends = (ProcessInfo.processInfo.environment["TEST_PORTS"] ?? "").split(separator: "-").compactMap {
            UInt16($0)
        }
        return ends.count == 2 && ends[0] <= ends[1] ? ends[0]...ends[1] : 15_000...31_999
    }()

    /// A free port that this process has not returned before.
    package static func free() throws -> UInt16 {
        for _ in 0..<1000 {
            let port = UInt16.random(in: range)
            guard handedOut.withLock({ $0.insert(port).inserted }), canBind(port) else { continue }
            return port
        }
        throw TimedOut("no free port found")
    }

    private static func canBind(_ port: UInt16) -> Bool {
        guard let descriptor = PlainSocket.open() else { return false }
        defer { close(descriptor) }
        return PlainSocket.withLoopback(port) { bind(descriptor, $0, $1) } == 0
    }
}
