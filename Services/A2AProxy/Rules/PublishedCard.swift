import JSONBytes

/// An agent's card as the platform publishes it: the same agent, at the platform's address.
package enum PublishedCard {
    /// Replaces every address of the agent in the card by `url`, in the spellings of all versions of the protocol.
    /// Other transports than JSON-RPC are left out, since the platform does not support them, and so are signatures,
    /// which cover the original card. Of duplicate members, the last one is kept.
    ///
    /// - Returns: nil when the card is not a JSON object.
    package static func make(from card: [UInt8], at url: String) -> [UInt8]? {
        guard let card = try? JSONSlice(validating: card), let members = card.object?.members else { return nil }
        let last = Dictionary(members.enumerated().map { ($1.name, $0) }) { $1 }
        var writer = JSONWriter(reservingCapacity: card.range.count + 256)
        writer.object { writer in
            if last["url"] == nil { writer.member("url", url) }
            for (index, member) in members.enumerated() where last[member.name] == index {
                write(member, url, to: &writer)
            }
        }
        return writer.bytes
    }

    private static let jsonRPC = "JSONRPC"

    private static func write(
        _ member: (name: String, value: JSONSlice), _ url: String, to writer: inout JSONWriter
    ) {
        switch member.name {
        case "url": writer.member("url", url)
        // As version 1.0 and as version 0.3 name them; protobuf reads the names with underscores as well.
        case "supportedInterfaces", "supported_interfaces":
            writer.member(member.name, raw: interfaces(member.value, "protocolBinding", "protocol_binding", url))
        case "additionalInterfaces", "additional_interfaces":
            writer.member(member.name, raw: interfaces(member.value, "transport", "transport", url))
        case "preferredTransport", "preferred_transport": writer.member(member.name, jsonRPC)
        case "signatures": writer.member("signatures", array: { _ in })
        default: writer.member(member.name, raw: member.value.bytes)
        }
    }

    /// Those of the interfaces that speak JSON-RPC, at `url`.
    private static func interfaces(
        _ list: JSONSlice, _ transport: StaticString, _ alias: StaticString, _ url: String
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.array { writer in
            for element in list.elements ?? [] {
                guard (element.find(transport) ?? element.find(alias))?.string == jsonRPC,
                    let moved = moved(element, to: url)
                else { continue }
                writer.raw(moved)
            }
        }
        return writer.bytes
    }

    private static func moved(_ interface: JSONSlice, to url: String) -> [UInt8]? {
        guard let members = interface.object?.members else { return nil }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("url", url)
            for member in members where member.name != "url" { writer.member(member.name, raw: member.value.bytes) }
        }
        return writer.bytes
    }
}
