import CUV
import Foundation
import NetworkAddresses

/// An IP address and a port.
package struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 16 bytes in network order.
    package let addressBytes: [UInt8]
    /// In host byte order.
    package let port: UInt16
    /// The IPv6 zone, 0 for none.
    private let scope: UInt32

    /// Whether it is an IPv6 address.
    package var isIPv6: Bool { addressBytes.count == 16 }

    /// - Parameter ip: an IPv4 address in dotted form or an IPv6 address without brackets.
    package init?(ip: String, port: UInt16) {
        guard let address = IPAddress(ip) else { return nil }
        self.init(address, port: port)
    }

    /// An address without a zone.
    package init(_ address: IPAddress, port: UInt16) {
        addressBytes = address.bytes
        self.port = port
        scope = 0
    }

    /// What a call of the system gave; nil for a family other than those of IP.
    package init?(_ address: UnsafePointer<sockaddr>) {
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
    package var ip: String { IPAddress(bytes: addressBytes)?.description ?? "" }

    /// Address and port, the address of IPv6 in brackets.
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
