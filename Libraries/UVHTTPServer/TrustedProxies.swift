import UVLoop

/// The addresses whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
struct TrustedProxies: Sendable {
    private struct Network {
        let prefix: [UInt8]
        let bits: Int
    }

    private let networks: [Network]

    /// - Parameter list: addresses or CIDR networks; entries that are neither are left out (configuration checks them).
    init(_ list: [String]) {
        networks = list.compactMap { entry in
            let parts = entry.split(separator: "/", maxSplits: 1)
            guard let ip = parts.first, let address = SocketAddress(ip: String(ip), port: 0) else { return nil }
            let all = address.addressBytes.count * 8
            guard let bits = parts.count == 2 ? Int(parts[1]) : all, (0...all).contains(bits) else { return nil }
            return Network(prefix: address.addressBytes, bits: bits)
        }
    }

    func contains(_ address: [UInt8]) -> Bool {
        networks.contains { network in
            network.prefix.count == address.count && Self.agree(network.prefix, address, bits: network.bits)
        }
    }

    /// The client behind the peer: from the right of `X-Forwarded-For`, the first address that is not a trusted proxy.
    ///
    /// - Returns: `nil` when the peer is not trusted, or names none.
    func client(behind peer: [UInt8], forwardedFor: [String]) -> SocketAddress? {
        guard !networks.isEmpty, contains(peer) else { return nil }
        var client: SocketAddress?
        for entry in forwardedFor.joined(separator: ",").split(separator: ",").reversed() {
            let text = entry.drop { $0 == " " }.prefix { $0 != " " }
            guard let address = SocketAddress(ip: String(text), port: 0) else { return client }
            client = address
            if !contains(address.addressBytes) { return address }
        }
        return client
    }

    private static func agree(_ left: [UInt8], _ right: [UInt8], bits: Int) -> Bool {
        let whole = bits / 8
        guard left[..<whole] == right[..<whole] else { return false }
        let rest = bits % 8
        return rest == 0 || (left[whole] ^ right[whole]) >> (8 - rest) == 0
    }
}
