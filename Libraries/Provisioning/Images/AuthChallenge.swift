/// A challenge of `WWW-Authenticate` (RFC 9110, 11.6.1).
struct AuthChallenge: Sendable, Hashable {
    /// Lower-case.
    let scheme: String
    /// By lower-case names.
    let parameters: [String: String]

    /// - Parameter text: the value of one field with one challenge, as registries send it. What comes after a part that cannot
    ///   be read is left out.
    init?(_ text: String) {
        guard let scheme = text.split(separator: " ", maxSplits: 1).first else { return nil }
        self.scheme = scheme.lowercased()
        var parameters: [String: String] = [:]
        var rest = text.dropFirst(scheme.count)
        while let (name, value) = Self.parameter(&rest) { parameters[name.lowercased()] = value }
        self.parameters = parameters
    }

    /// `name="value"` or `name=value`, and what separates it from the next.
    private static func parameter(_ rest: inout Substring) -> (String, String)? {
        rest = rest.drop { $0 == " " || $0 == "," || $0 == "\t" }
        guard let equals = rest.firstIndex(of: "="), equals > rest.startIndex else { return nil }
        let name = String(rest[..<equals])
        rest = rest[rest.index(after: equals)...]
        guard rest.first == "\"" else {
            let value = rest.prefix { $0 != "," && $0 != " " }
            rest = rest.dropFirst(value.count)
            return (name, String(value))
        }
        rest = rest.dropFirst()
        var value = ""
        while let character = rest.popFirst(), character != "\"" {
            if character == "\\", let next = rest.popFirst() { value.append(next) } else { value.append(character) }
        }
        return (name, value)
    }
}
