extension KeyedDecodingContainer {
    /// Reads a list that has a limit: a body may hold a few hundred thousand elements, each of which costs something.
    ///
    /// - Returns: nil when it is absent or `null`.
    /// - Throws: `DecodingError` naming the member when there are more.
    func list<Element: Decodable>(
        of type: Element.Type, forKey key: Key, upTo limit: Int
    ) throws -> [Element]? {
        guard contains(key), try !decodeNil(forKey: key) else { return nil }
        var container = try nestedUnkeyedContainer(forKey: key)
        var elements: [Element] = []
        while !container.isAtEnd {
            guard elements.count < limit else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: self, debugDescription: "must have \(limit) elements at most")
            }
            elements.append(try container.decode(type))
        }
        return elements
    }
}
