import CUV
import Foundation

/// An IP address and a port.
package struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 16 bytes in network order.
    package let addressBytes: [UInt8]
    package let port: UInt16
    /// The IPv6 zone, 0 for none.
    private let scope: UInt32

    package var isIPv6: Bool { addressBytes.count == 16 }

    /// - Parameter ip: an IPv4 address in dotted form or an IPv6 address without brackets.
    package init?(ip: String, port: UInt16) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, ip, &four) == 1 {
            addressBytes = withUnsafeBytes(of: four) { Array($0) }
        } else if inet_pton(AF_INET6, ip, &six) == 1 {
            addressBytes = withUnsafeBytes(of: six) { Array($0) }
        } else {
            return nil
        }
        self.port = port
        scope = 0
    }

    init?(_ address: UnsafePointer<sockaddr>) {
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            let four = UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self)
            addressBytes = withUnsafeBytes(of: four.sin_addr) { Array($0) }
            port = UInt16(bigEndian: four.sin_port)
            scope = 0
        case AF_INET6:
            let six = UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in6.self)
            addressBytes = withUnsafeBytes(of: six.sin6_addr) { Array($0) }
            port = UInt16(bigEndian: six.sin6_port)
            scope = six.sin6_scope_id
        default:
            return nil
        }
    }

    private init(_ address: SocketAddress, port: UInt16) {
        addressBytes = address.addressBytes
        scope = address.scope
        self.port = port
    }

    /// The same address with another port.
    package func with(port: UInt16) -> SocketAddress { SocketAddress(self, port: port) }

    /// The address as text, without port or brackets.
    package var ip: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = addressBytes.withUnsafeBytes {
            inet_ntop(isIPv6 ? AF_INET6 : AF_INET, $0.baseAddress, &text, socklen_t(text.count))
        }
        return text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    package var description: String { isIPv6 ? "[\(ip)]:\(port)" : "\(ip):\(port)" }

    /// The address in the form that the system's calls take; the pointer is valid during the call.
    package func withSockAddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        if isIPv6 {
            var six = sockaddr_in6()
            six.sin6_family = sa_family_t(AF_INET6)
            six.sin6_port = port.bigEndian
            six.sin6_scope_id = scope
            withUnsafeMutableBytes(of: &six.sin6_addr) { $0.copyBytes(from: addressBytes) }
            return Self.with(&six, body)
        }
        var four = sockaddr_in()
        four.sin_family = sa_family_t(AF_INET)
        four.sin_port = port.bigEndian
        withUnsafeMutableBytes(of: &four.sin_addr) { $0.copyBytes(from: addressBytes) }
        return Self.with(&four, body)
    }

    private static func with<Raw, Result>(
        _ raw: inout Raw, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: &raw) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Raw>.size)) }
        }
    }
}
