import Foundation

/// An IPv4 or IPv6 address, read and written by the C library.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 bytes in network order.
    package let bytes: [UInt8]

    /// Whether it is an IPv6 address.
    package var isIPv6: Bool { bytes.count == 16 }

    /// Reads four decimal numbers without leading zeros, or an IPv6 address without brackets and zone.
    package init?(_ text: String) {
        if let four = Self.read(text, in_addr(), { inet_pton(AF_INET, $0, $1) }) {
            bytes = four
        } else if let six = Self.read(text, in6_addr(), { inet_pton(AF_INET6, $0, $1) }) {
            bytes = six
        } else {
            return nil
        }
    }

    /// Reads an IPv4 address as `inet_aton` and browsers do: `127.1`, `0x7f000001`, `017700000001` and `2130706433` are
    /// all 127.0.0.1.
    package init?(anySpellingOfIPv4 text: String) {
        // Without this `inet_aton` lets anything follow a blank.
        guard !text.utf8.contains(where: { $0 <= 0x20 }) else { return nil }
        guard let four = Self.read(text, in_addr(), inet_aton) else { return nil }
        bytes = four
    }

    /// - Parameter bytes: nil comes of any number of them but 4 and 16.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    private static func read<Raw>(
        _ text: String, _ empty: Raw, _ body: (UnsafePointer<CChar>, UnsafeMutablePointer<Raw>) -> Int32
    ) -> [UInt8]? {
        var raw = empty
        // A C string would end at a zero byte, and what follows go unread.
        guard !text.utf8.contains(0), text.withCString({ body($0, &raw) }) == 1 else { return nil }
        return withUnsafeBytes(of: raw) { Array($0) }
    }

    /// The address as `inet_ntop` writes it: without brackets, IPv4 inside of IPv6 in dotted form.
    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = bytes.withUnsafeBytes {
            inet_ntop(isIPv6 ? AF_INET6 : AF_INET, $0.baseAddress, &text, socklen_t(text.count))
        }
        return text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }
}
