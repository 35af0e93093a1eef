extension ConfigurationReader {
    /// A URL that may be absent. It may name several hosts, as those of Postgres do. Passwords are masked when shown.
    ///
    /// - Parameter schemes: those allowed, as in `["http", "https"]`.
    package func optionalURL(_ name: String, schemes: [String], _ help: String) -> String? {
        readIfSet(name, .url(schemes), default: nil, help)
    }
}

extension ConfigurationReader.Kind where Value == String {
    static func url(_ schemes: [String]) -> Self {
        Self(
            expected: "a URL (\(schemeList(schemes)))", parse: { isURL($0, schemes) ? $0 : nil }, show: maskingPassword,
            mask: maskingPassword)
    }
}

private func schemeList(_ schemes: [String]) -> String { schemes.map { "\($0)://..." }.joined(separator: " or ") }

/// Whether a text has an allowed scheme, hosts (or, for a local socket, none but a path or query) and valid ports.
private func isURL(_ text: String, _ schemes: [String]) -> Bool {
    guard let mark = text.range(of: "://"), schemes.contains(text[..<mark.lowerBound].lowercased()),
        text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
    else { return false }
    let authority = text[mark.upperBound...].prefix { !"/?#".contains($0) }
    let hosts = authority[(authority.lastIndex(of: "@").map(authority.index(after:)) ?? authority.startIndex)...]
    if hosts.isEmpty { return mark.upperBound < text.endIndex && authority.endIndex < text.endIndex }
    return hosts.split(separator: ",", omittingEmptySubsequences: false).allSatisfy(isHost)
}

/// `name`, `name:port`, `[v6]` or `[v6]:port`.
private func isHost(_ text: Substring) -> Bool {
    let nameEnd =
        text.hasPrefix("[")
        ? text.lastIndex(of: "]").map(text.index(after:)) : text.firstIndex(of: ":") ?? text.endIndex
    guard let nameEnd, nameEnd > text.startIndex else { return false }
    let rest = text[nameEnd...]
    return rest.isEmpty || rest.first == ":" && Int(rest.dropFirst()).map { (1...65_535).contains($0) } == true
}

/// The URL with `***` for its password, in the user information and in a query's `password=`.
func maskingPassword(_ url: String) -> String {
    var shown = url
    if let mark = shown.range(of: "://") {
        let authority = shown[mark.upperBound...].prefix { !"/?#".contains($0) }
        // The last `@` ends the user information; when a password holds a `/` it is looked for further on.
        let end = authority.lastIndex(of: "@") ?? shown[mark.upperBound...].lastIndex(of: "@")
        if let end, let colon = shown[mark.upperBound..<end].firstIndex(of: ":") {
            shown.replaceSubrange(shown.index(after: colon)..<end, with: "***")
        }
    }
    var from = shown.startIndex
    while let name = shown.range(of: "password=", in: from..<shown.endIndex) {
        let value = shown[name.upperBound...].prefix { !"&# ".contains($0) }
        shown.replaceSubrange(value.startIndex..<value.endIndex, with: "***")
        from = shown.range(of: "password=***", in: from..<shown.endIndex)?.upperBound ?? shown.endIndex
    }
    return shown
}

extension String {
    /// The first place of `wanted`, without Foundation.
    fileprivate func range(of wanted: String, in bounds: Range<Index>? = nil) -> Range<Index>? {
        var start = bounds?.lowerBound ?? startIndex
        let end = bounds?.upperBound ?? endIndex
        while start < end {
            if self[start..<end].hasPrefix(wanted) { return start..<index(start, offsetBy: wanted.count) }
            formIndex(after: &start)
        }
        return nil
    }
}
