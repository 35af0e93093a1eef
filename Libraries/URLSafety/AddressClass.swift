/// What kind of place an address is, whatever the mode.
package enum AddressClass: Hashable, Sendable {
    /// A host of the internet.
    case `public`
    /// This machine.
    case loopback
    /// A private network: RFC 1918, fd00::/8.
    case `private`
    /// No host's, or none that an agent could be: link-local and metadata services, documentation, multicast, ...
    case forbidden

    /// Classifies 4 or 16 bytes in network order; any other count is forbidden.
    package init(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        switch bytes.count {
        case 4: self = Self.ipv4(bytes)
        case 16: self = Self.ipv6(bytes)
        default: self = .forbidden
        }
    }

    private static func ipv4(_ bytes: [UInt8]) -> AddressClass {
        if prefixes(forbiddenIPv4, of: bytes) { return .forbidden }
        if bytes[0] == 127 { return .loopback }
        return prefixes(privateIPv4, of: bytes) ? .private : .public
    }

    private static func ipv6(_ bytes: [UInt8]) -> AddressClass {
        if bytes.allSatisfy({ $0 == 0 }) { return .forbidden }
        if bytes[..<15].allSatisfy({ $0 == 0 }), bytes[15] == 1 { return .loopback }
        if prefixes(forbiddenIPv6, of: bytes) { return .forbidden }
        if let embedded = embeddedIPv4(bytes) { return ipv4(embedded) }
        if bytes[0] == 0xFD { return .private }
        // The local NAT64 prefix of RFC 8215: where the IPv4 address stands in it is the network's own affair.
        if bytes.starts(with: [0x00, 0x64, 0xFF, 0x9B, 0x00, 0x01]) { return .private }
        // Nothing outside 2000::/3 has been handed out.
        return bytes[0] & 0xE0 == 0x20 ? .public : .forbidden
    }

    /// The IPv4 address that a transition form stands for: what is called in the end.
    private static func embeddedIPv4(_ bytes: [UInt8]) -> [UInt8]? {
        let last = Array(bytes[12...])
        let zeros = [UInt8](repeating: 0, count: 8)
        // ::a.b.c.d (compatible), ::ffff:a.b.c.d (mapped), ::ffff:0:a.b.c.d (translated)
        if bytes.starts(with: zeros) {
            let marks: [[UInt8]] = [[0, 0, 0, 0], [0, 0, 0xFF, 0xFF], [0xFF, 0xFF, 0, 0]]
            if marks.contains(Array(bytes[8..<12])) { return last }
        }
        if bytes.starts(with: [0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]) { return last }  // NAT64
        if bytes.starts(with: [0x20, 0x02]) { return Array(bytes[2..<6]) }  // 6to4
        if bytes.starts(with: [0x20, 0x01, 0x00, 0x00]) { return last.map { ~$0 } }  // Teredo: the client, inverted
        if bytes[9...11].elementsEqual([0x00, 0x5E, 0xFE]), bytes[8] & ~0x02 == 0 { return last }  // ISATAP
        return nil
    }

    private static func prefixes(_ list: [Prefix], of bytes: [UInt8]) -> Bool {
        list.contains { $0.contains(bytes) }
    }
}

/// The beginning that the addresses of a network share.
private struct Prefix {
    let bytes: [UInt8]
    let bits: Int

    init(_ bytes: [UInt8], _ bits: Int) {
        self.bytes = bytes
        self.bits = bits
    }

    func contains(_ address: [UInt8]) -> Bool {
        for (index, byte) in bytes.enumerated() {
            let left = min(8, bits - 8 * index)
            if left <= 0 { break }
            let mask = UInt8(truncatingIfNeeded: 0xFF00 >> left)
            if (address[index] ^ byte) & mask != 0 { return false }
        }
        return true
    }
}

private let forbiddenIPv4 = [
    Prefix([0], 8),  // this network
    Prefix([100, 64], 10),  // carriers' NAT; Alibaba's metadata service
    Prefix([168, 63, 129, 16], 32),  // Azure's metadata and wire server
    Prefix([169, 254], 16),  // link-local; metadata services
    Prefix([192, 0, 0], 24),  // protocol assignments; Oracle's metadata service
    Prefix([192, 0, 2], 24),  // documentation
    Prefix([198, 51, 100], 24),  // documentation
    Prefix([203, 0, 113], 24),  // documentation
    Prefix([224], 4),  // multicast
    Prefix([240], 4),  // reserved, broadcast
]

private let privateIPv4 = [
    Prefix([10], 8),
    Prefix([172, 16], 12),
    Prefix([192, 168], 16),
    Prefix([198, 18], 15),  // benchmarks of private networks
]

private let forbiddenIPv6 = [
    Prefix([0xFC], 8),  // unique local, never assigned
    Prefix([0xFE, 0x80], 10),  // link-local
    Prefix([0xFE, 0xC0], 10),  // site-local
    Prefix([0xFF], 8),  // multicast
    Prefix([0x20, 0x01, 0x0D, 0xB8], 32),  // documentation
    Prefix([0x3F, 0xFF, 0x00], 20),  // documentation
    Prefix([0xFD, 0x00, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54], 128),  // AWS's metadata service
    Prefix([0xFD, 0x20, 0x00, 0xCE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54], 128),  // Google's metadata service
]
