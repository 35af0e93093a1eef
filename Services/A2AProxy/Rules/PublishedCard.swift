import JSONBytes

/// An agent's card as the platform publishes it: the same agent, at the platform's address.
package enum PublishedCard {
    /// Everything in the card that says where the agent is says `url` instead, in the spellings of all versions of the
    /// protocol. Other transports than JSON-RPC are left out, since the platform does not speak them, and so are signatures,
    /// which are over the card as it was.
    ///
    /// - Returns: nil when the card is no JSON object.
    package static func make(from card: [UInt8], at url: String) -> [UInt8]? {
        guard var card = try? JSONSlice(validating: card), card.kind == .object else { return nil }
        func set(_ name: StaticString, _ json: [UInt8]?) {
            guard let json, let changed = card.setting([name], to: json),
                let parsed = try? JSONSlice(validating: changed)
            else { return }
            card = parsed
        }
        set("url", string(url))
        // As version 1.0 and as version 0.3 name them.
        set("supportedInterfaces", card.find("supportedInterfaces").flatMap { interfaces($0, "protocolBinding", url) })
        set("additionalInterfaces", card.find("additionalInterfaces").flatMap { interfaces($0, "transport", url) })
        if card.find("preferredTransport") != nil { set("preferredTransport", string(jsonRPC)) }
        if card.find("signatures") != nil { set("signatures", Array("[]".utf8)) }
        return card.document
    }

    private static let jsonRPC = "JSONRPC"

    /// Those of the interfaces that speak JSON-RPC, at `url`.
    private static func interfaces(_ list: JSONSlice, _ transport: StaticString, _ url: String) -> [UInt8]? {
        guard let elements = list.elements else { return nil }
        var writer = JSONWriter()
        writer.array { writer in
            for element in elements where element.find(transport)?.string == jsonRPC {
                guard let own = try? JSONSlice(validating: Array(element.bytes)) else { continue }
                if let moved = own.setting(["url"], toString: url) { writer.raw(moved) }
            }
        }
        return writer.bytes
    }

    private static func string(_ text: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.string(text)
        return writer.bytes
    }
}
