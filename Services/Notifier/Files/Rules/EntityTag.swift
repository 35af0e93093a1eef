/// What identifies the bytes of a file (RFC 9110, 8.8.3).
struct EntityTag: Hashable, Sendable {
    let text: String

    /// Of bytes that never change under their name.
    init(strong opaque: String) { text = "\"\(opaque)\"" }

    /// Of bytes that may change and still look the same for a moment.
    init(weak opaque: String) { text = "W/\"\(opaque)\"" }

    private var opaque: Substring { text.hasPrefix("W/") ? text.dropFirst(2) : text[...] }

    /// Whether `If-None-Match` names it: then there is nothing new.
    func isNamed(in header: String?) -> Bool {
        guard let header else { return false }
        return header.split(separator: ",").contains { item in
            let tag = item.drop { $0 == " " }.prefix { $0 != " " }
            return tag == "*" || (tag.hasPrefix("W/") ? tag.dropFirst(2) : tag) == opaque
        }
    }

    /// Whether a range may be had of it: unless `If-Range` names other bytes. A time is never believed.
    func allowsRange(_ header: String?) -> Bool {
        guard let header else { return true }
        return !text.hasPrefix("W/") && header == text
    }
}
