/// What identifies the bytes of a file (RFC 9110, 8.8.3).
struct EntityTag: Hashable, Sendable {
    let text: String

    /// For content that never changes under its name.
    init(strong opaque: String) { text = "\"\(opaque)\"" }

    /// For content that may change within the resolution of its modification time.
    init(weak opaque: String) { text = "W/\"\(opaque)\"" }

    private var opaque: Substring { text.hasPrefix("W/") ? text.dropFirst(2) : text[...] }

    /// Whether `If-None-Match` names it: the response is 304 then.
    func isNamed(in header: String?) -> Bool {
        guard let header else { return false }
        return header.split(separator: ",").contains { item in
            let tag = item.drop { $0 == " " }.prefix { $0 != " " }
            return tag == "*" || (tag.hasPrefix("W/") ? tag.dropFirst(2) : tag) == opaque
        }
    }

    /// Whether a range may be served: unless `If-Range` names another tag. A date in it never matches.
    func allowsRange(_ header: String?) -> Bool {
        guard let header else { return true }
        return !text.hasPrefix("W/") && header == text
    }
}
